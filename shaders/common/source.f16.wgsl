// Numbers to be stored as a weight, in f16, two to a u32 (low half first), without gaps between rows.

@group(0) @binding(0) var<storage, read> source: array<u32>;

/// Decoded by hand: unpack2x16float may take numbers below f16's normal range for zero.
fn source_at(i: u32) -> f32 {
  let half = (source[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
  let size = half & 0x7fffu;
  let normal = bitcast<f32>((size << 13u) + 0x38000000u);
  let magnitude = select(normal, f32(size) * 5.9604644775390625e-8, size < 0x400u); // 2^-24
  return select(magnitude, -magnitude, half >= 0x8000u);
}
