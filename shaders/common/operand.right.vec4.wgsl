// The right operand of a matrix product: dense f32, its rows whole vec4s.

@group(0) @binding(1) var<storage, read> right: array<vec4<f32>>; // (stored rows, 4 right_quads)

/// Elements 4 * quad .. 4 * quad + 3 of a stored row.
fn right_vec4(row: u32, quad: u32) -> vec4<f32> {
  return right[row * params.right_quads + quad];
}
