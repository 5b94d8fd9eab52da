// Reads four rows of `thin`: here, each invocation loads all four.
// The function is that of thin_rows.subgroup.wgsl; lora.wgsl runs with either file in front.

/// Rows row ... row + 3 of `thin`, four ranks each; rows that take no part are zero.
fn thin_rows(row: u32, quad: u32, local_index: u32) -> mat4x4<f32> {
  return mat4x4(thin_row(row, quad), thin_row(row + 1u, quad), thin_row(row + 2u, quad), thin_row(row + 3u, quad));
}

fn thin_row(row: u32, quad: u32) -> vec4<f32> {
  let value = thin[clamp(row, params.row_start, params.row_end - 1u) * rank_quads() + quad];
  return select(vec4(0.0), value, row >= params.row_start && row < params.row_end);
}
