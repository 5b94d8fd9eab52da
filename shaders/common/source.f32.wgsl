// Numbers to be stored as a weight, in f32. Same function in every source.*.wgsl.

@group(0) @binding(0) var<storage, read> source: array<f32>;

fn source_at(i: u32) -> f32 {
  return source[i];
}
