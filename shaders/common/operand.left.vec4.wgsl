// The left operand of a matrix product: dense f32, its rows whole vec4s.

@group(0) @binding(0) var<storage, read> left: array<vec4<f32>>; // (stored rows, left_cols)

/// Elements 4 * quad .. 4 * quad + 3 of a stored row.
fn left_vec4(row: u32, quad: u32) -> vec4<f32> {
  return left[row * (params.left_cols / 4u) + quad];
}
