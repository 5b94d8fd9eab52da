// Numbers to be stored as a weight, in f16, two to a u32 (low half first), without gaps between rows. Needs half.wgsl.

@group(0) @binding(0) var<storage, read> source: array<u32>;

fn source_at(i: u32) -> f32 {
  return half_value((source[i / 2u] >> (16u * (i % 2u))) & 0xffffu);
}
