// Reads four rows of `thin` for all invocations of a quad: here, each loads one row and hands it to the others.
// The function is that of thin_rows.workgroup.wgsl; lora.wgsl runs with either file in front.
// All invocations of a quad must ask for the same rows.

/// Rows row ... row + 3 of `thin`, four ranks each; rows that take no part are zero.
fn thin_rows(row: u32, quad: u32, local_index: u32) -> mat4x4<f32> {
  let mine = row + local_index % 4u;
  let value = thin[clamp(mine, params.row_start, params.row_end - 1u) * rank_quads() + quad];
  let own = select(vec4(0.0), value, mine >= params.row_start && mine < params.row_end);
  return mat4x4(quadBroadcast(own, 0u), quadBroadcast(own, 1u), quadBroadcast(own, 2u), quadBroadcast(own, 3u));
}
