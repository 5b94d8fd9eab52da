// Thin rows of LoRA (common/lora.wgsl), without subgroups. The functions are those of thin_rows.subgroup.wgsl.
// Each invocation loads all four rows; a tile's sums go through workgroup memory, all of them at once.

/// Rows row ... row + 3 of `thin`, four ranks each; rows that take no part are zero.
fn thin_rows(row: u32, quad: u32, local_index: u32) -> mat4x4<f32> {
  return mat4x4(thin_row(row, quad), thin_row(row + 1u, quad), thin_row(row + 2u, quad), thin_row(row + 3u, quad));
}

/// How many rows to walk over when this invocation needs `rows`: nothing is shared.
fn thin_span(rows: u32) -> u32 {
  return rows;
}

fn thin_row(row: u32, quad: u32) -> vec4<f32> {
  let value = thin[clamp(row, params.row_start, params.row_end - 1u) * rank_quads() + quad];
  return select(vec4(0.0), value, row >= params.row_start && row < params.row_end);
}

var<workgroup> tile_parts: array<mat4x4<f32>, 2 * TEAM_WORKGROUP>;

/// Sums a tile's eight rows (four a matrix) over the team and stores them: ranks 0 to 3 (x, z) and 4 to 7 (u, w).
fn store_tile(
  octet: u32, quad: u32, x: mat4x4<f32>, z: mat4x4<f32>, u: mat4x4<f32>, w: mat4x4<f32>, local_index: u32,
) {
  let lo = tile_sum(x, z, local_index);
  let hi = tile_sum(u, w, local_index);
  if (local_index < 8u) {
    store_thin(8u * octet + local_index, quad, lo, hi);
  }
}

/// Row `local_index` of two matrices summed over the workgroup, for the first eight invocations.
fn tile_sum(first: mat4x4<f32>, second: mat4x4<f32>, local_index: u32) -> vec4<f32> {
  workgroupBarrier();
  tile_parts[2u * local_index] = first;
  tile_parts[2u * local_index + 1u] = second;
  workgroupBarrier();
  let row = local_index % 8u; // eight invocations sum a row's eighths, then one sums these
  var sum = vec4(0.0);
  for (var i = local_index / 8u; i < TEAM_WORKGROUP; i += 8u) {
    sum += tile_parts[2u * i + row / 4u][row % 4u];
  }
  workgroupBarrier();
  tile_parts[local_index][0] = sum;
  workgroupBarrier();
  var total = vec4(0.0);
  if (local_index < 8u) {
    for (var i = local_index; i < TEAM_WORKGROUP; i += 8u) {
      total += tile_parts[i][0];
    }
  }
  return total;
}
