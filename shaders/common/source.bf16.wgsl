// Numbers to be stored as a weight, in bf16 (an f32's upper half), two to a u32 (low half first), without gaps between rows.

@group(0) @binding(0) var<storage, read> source: array<u32>;

fn source_at(i: u32) -> f32 {
  return bitcast<f32>((source[i / 2u] >> (16u * (i % 2u))) << 16u);
}
