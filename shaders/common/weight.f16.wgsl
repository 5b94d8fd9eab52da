// A weight matrix (rows, cols) in f16, two to a u32 (low half first), its rows padded to multiples of 8 elements.
// Same functions in every weight.*.wgsl. Needs no shader-f16: unpack2x16float is core WGSL.
// quads: groups of 4 elements in a padded row.

@group(0) @binding(20) var<storage, read> weight_data: array<vec2<u32>>;

/// Elements 4 * quad .. 4 * quad + 3 of a row.
fn weight_vec4(row: u32, quad: u32, quads: u32) -> vec4<f32> {
  let packed = weight_data[row * quads + quad];
  return vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
}

/// One element of a row.
fn weight_at(row: u32, col: u32, quads: u32) -> f32 {
  return weight_vec4(row, col / 4u, quads)[col % 4u];
}
