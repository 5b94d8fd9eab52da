// The right operand of a matrix product: dense f32, its rows of any length.

@group(0) @binding(1) var<storage, read> right: array<f32>; // (stored rows, cols)

/// Elements 4 * quad .. 4 * quad + 3 of a stored row, zeros past its end.
fn right_vec4(row: u32, quad: u32) -> vec4<f32> {
  let col = vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
  let at = row * params.cols + col;
  let values = vec4<f32>(right[at.x], right[at.y], right[at.z], right[at.w]);
  return select(vec4<f32>(0.0), values, col < vec4<u32>(params.cols));
}
