// The right operand of a matrix product: a weight in one of its formats (weight.*.wgsl), zeros past a row's end.

fn right_vec4(row: u32, quad: u32) -> vec4<f32> {
  return weight_vec4(row, quad, params.right_quads);
}
