// A weight matrix (rows, cols) in f32, its rows padded to whole vec4s. Same functions in every weight.*.wgsl.
// quads: vec4s in a padded row.

@group(0) @binding(20) var<storage, read> weight_data: array<vec4<f32>>;

/// Elements 4 * quad .. 4 * quad + 3 of a row.
fn weight_vec4(row: u32, quad: u32, quads: u32) -> vec4<f32> {
  return weight_data[row * quads + quad];
}

/// One element of a row.
fn weight_at(row: u32, col: u32, quads: u32) -> f32 {
  return weight_data[row * quads + col / 4u][col % 4u];
}
