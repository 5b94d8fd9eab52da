// The left operand of a matrix product: dense f32, its rows of any length.

@group(0) @binding(0) var<storage, read> left: array<f32>; // (stored rows, left_cols)

/// Elements 4 * quad .. 4 * quad + 3 of a stored row, zeros past its end.
fn left_vec4(row: u32, quad: u32) -> vec4<f32> {
  let col = vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
  let at = row * params.left_cols + col;
  let values = vec4<f32>(left[at.x], left[at.y], left[at.z], left[at.w]);
  return select(vec4<f32>(0.0), values, col < vec4<u32>(params.left_cols));
}
