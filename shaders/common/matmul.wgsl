// What the matrix products in matmul.*.wgsl share: operands in blocks of 4 x 4, the order of sums, and the end.
//   out = scale * (left . right) + bias, assigned or accumulated; out: (rows, cols), the reduction runs over `steps`
//   forward          y  = x W^T    left x  (rows, steps), right W (cols, steps)
//   backward input   dx = dy W     left dy (rows, steps), right W (steps, cols) transposed
//   backward weight  dW = dy^T x   left dy (steps, rows) transposed, right x (steps, cols) transposed
// LEFT_TRANSPOSED and RIGHT_TRANSPOSED (0 or 1) choose. left_vec4 and right_vec4 (common/operand.*.wgsl) give four
// neighbours of one stored row, with zeros past its end.
//
// Every design and tile adds the products of one output in the same order: one f32, step 0 first, one fma a step.
// So all give the same bits, and a row's result does not depend on how many rows there are.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  steps: u32,
  left_cols: u32,
  right_quads: u32,
  has_bias: u32,
  accumulate: u32,
  scale: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

/// Rows first .. first + 3 of the left operand, one a column, at steps 4 * quad .. 4 * quad + 3.
fn left_block(first: u32, quad: u32) -> mat4x4<f32> {
  if (LEFT_TRANSPOSED == 0u) {
    return mat4x4<f32>(
      left_vec4(first, quad), left_vec4(first + 1u, quad), left_vec4(first + 2u, quad), left_vec4(first + 3u, quad));
  }
  let step = 4u * quad;
  let at = first / 4u;
  let zero = vec4<f32>(0.0);
  return transpose(mat4x4<f32>(
    left_vec4(step, at),
    select(zero, left_vec4(step + 1u, at), step + 1u < params.steps),
    select(zero, left_vec4(step + 2u, at), step + 2u < params.steps),
    select(zero, left_vec4(step + 3u, at), step + 3u < params.steps)));
}

/// Columns first .. first + 3 of the right operand, one a column, at steps 4 * quad .. 4 * quad + 3.
fn right_block(first: u32, quad: u32) -> mat4x4<f32> {
  if (RIGHT_TRANSPOSED == 0u) {
    return mat4x4<f32>(
      right_vec4(first, quad), right_vec4(first + 1u, quad), right_vec4(first + 2u, quad), right_vec4(first + 3u, quad));
  }
  let step = 4u * quad;
  let at = first / 4u;
  let zero = vec4<f32>(0.0);
  return transpose(mat4x4<f32>(
    right_vec4(step, at),
    select(zero, right_vec4(step + 1u, at), step + 1u < params.steps),
    select(zero, right_vec4(step + 2u, at), step + 2u < params.steps),
    select(zero, right_vec4(step + 3u, at), step + 3u < params.steps)));
}

/// Adds the products of four steps to a sum, in order.
fn chain(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

/// Writes one output, if it lies within the matrix.
fn finish(row: u32, col: u32, sum: f32) {
  if (row < params.rows && col < params.cols) {
    let at = row * params.cols + col;
    var offset = 0.0;
    if (params.has_bias != 0u) {
      offset = bias[col];
    }
    var value = fma(sum, params.scale, offset);
    if (params.accumulate != 0u) {
      value += out[at];
    }
    out[at] = value;
  }
}
