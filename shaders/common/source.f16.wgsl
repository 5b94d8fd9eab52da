// Numbers to be stored as a weight, in f16, two to a u32 (low half first), without gaps between rows.

@group(0) @binding(0) var<storage, read> source: array<u32>;

fn source_at(i: u32) -> f32 {
  return unpack2x16float(source[i / 2u])[i % 2u];
}
