// Thin rows of LoRA (common/lora.wgsl), shared within a subgroup. The functions are those of thin_rows.workgroup.wgsl.
// Of four rows each invocation of a quad loads one and hands it to the others; all four must ask for the same rows,
// and the subgroup must follow one path (thin_span).

/// Rows row ... row + 3 of `thin`, four ranks each; rows that take no part are zero.
fn thin_rows(row: u32, quad: u32, local_index: u32) -> mat4x4<f32> {
  let mine = row + local_index % 4u;
  let value = thin[clamp(mine, params.row_start, params.row_end - 1u) * rank_quads() + quad];
  let own = select(vec4(0.0), value, mine >= params.row_start && mine < params.row_end);
  return mat4x4(quadBroadcast(own, 0u), quadBroadcast(own, 1u), quadBroadcast(own, 2u), quadBroadcast(own, 3u));
}

/// How many rows the whole subgroup walks over when this invocation needs `rows`: rows are handed round by all of it.
fn thin_span(rows: u32) -> u32 {
  return subgroupMax(rows);
}

/// Sums a tile's eight rows (four a matrix) over the team and stores them: ranks 0 to 3 (x, z) and 4 to 7 (u, w).
fn store_tile(
  octet: u32, quad: u32, x: mat4x4<f32>, z: mat4x4<f32>, u: mat4x4<f32>, w: mat4x4<f32>, local_index: u32,
) {
  let row = 8u * octet;
  let lane = team_lane(local_index);
  let lo0 = team_sum4(x[0], local_index);
  let hi0 = team_sum4(u[0], local_index);
  let lo1 = team_sum4(x[1], local_index);
  let hi1 = team_sum4(u[1], local_index);
  let lo2 = team_sum4(x[2], local_index);
  let hi2 = team_sum4(u[2], local_index);
  let lo3 = team_sum4(x[3], local_index);
  let hi3 = team_sum4(u[3], local_index);
  let lo4 = team_sum4(z[0], local_index);
  let hi4 = team_sum4(w[0], local_index);
  let lo5 = team_sum4(z[1], local_index);
  let hi5 = team_sum4(w[1], local_index);
  let lo6 = team_sum4(z[2], local_index);
  let hi6 = team_sum4(w[2], local_index);
  let lo7 = team_sum4(z[3], local_index);
  let hi7 = team_sum4(w[3], local_index);
  if (lane == 0u) {
    store_thin(row + 0u, quad, lo0, hi0);
    store_thin(row + 1u, quad, lo1, hi1);
    store_thin(row + 2u, quad, lo2, hi2);
    store_thin(row + 3u, quad, lo3, hi3);
    store_thin(row + 4u, quad, lo4, hi4);
    store_thin(row + 5u, quad, lo5, hi5);
    store_thin(row + 6u, quad, lo6, hi6);
    store_thin(row + 7u, quad, lo7, hi7);
  }
}
