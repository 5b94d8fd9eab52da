// Matrix product by quads of invocations (see common/matmul.wgsl): no workgroup memory, no barriers, few loads.
// An invocation loads 4 rows and 4 columns; the quad passes its rows around by swaps, so that between them its members
// do all 16 rows x 16 columns. A quad does a tile of 16 ROW_BLOCKS x 16 COL_BLOCKS outputs, a workgroup one tile a quad.

/// An invocation's rows, and those of its neighbours in the quad: one row a column, four steps each.
struct Rows {
  own: mat4x4<f32>,
  x: mat4x4<f32>,
  y: mat4x4<f32>,
  diagonal: mat4x4<f32>,
}

/// Sums of 16 rows x 4 columns: columns[c][i][d] is row i of the quad's member lane ^ d in the invocation's column c.
struct Sums {
  c0: mat4x4<f32>,
  c1: mat4x4<f32>,
  c2: mat4x4<f32>,
  c3: mat4x4<f32>,
}

const QUADS_WORKGROUP: u32 = 4u * QUADS_PER_GROUP;

fn rows_at(first: u32, quad: u32) -> Rows {
  let m = left_block(first, quad);
  return Rows(
    m,
    mat4x4<f32>(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3])),
    mat4x4<f32>(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3])),
    mat4x4<f32>(quadSwapDiagonal(m[0]), quadSwapDiagonal(m[1]), quadSwapDiagonal(m[2]), quadSwapDiagonal(m[3])));
}

fn row_sums(own: vec4<f32>, x: vec4<f32>, y: vec4<f32>, diagonal: vec4<f32>, b: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(chain(own, b, sum.x), chain(x, b, sum.y), chain(y, b, sum.z), chain(diagonal, b, sum.w));
}

fn column_sums(rows: Rows, b: vec4<f32>, sum: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    row_sums(rows.own[0], rows.x[0], rows.y[0], rows.diagonal[0], b, sum[0]),
    row_sums(rows.own[1], rows.x[1], rows.y[1], rows.diagonal[1], b, sum[1]),
    row_sums(rows.own[2], rows.x[2], rows.y[2], rows.diagonal[2], b, sum[2]),
    row_sums(rows.own[3], rows.x[3], rows.y[3], rows.diagonal[3], b, sum[3]));
}

fn add(rows: Rows, b: mat4x4<f32>, sums: Sums) -> Sums {
  return Sums(
    column_sums(rows, b[0], sums.c0),
    column_sums(rows, b[1], sums.c1),
    column_sums(rows, b[2], sums.c2),
    column_sums(rows, b[3], sums.c3));
}

fn finish_sums(first_row: u32, first_col: u32, lane: u32, sums: Sums) {
  // Indexed in a loop: once a tile, and unrolled it would be most of the code.
  var columns = array<mat4x4<f32>, 4>(sums.c0, sums.c1, sums.c2, sums.c3);
  for (var c = 0u; c < 4u; c++) {
    for (var i = 0u; i < 4u; i++) {
      let sum = columns[c][i];
      let col = first_col + 4u * lane + c;
      let row = first_row + i;
      finish(row + 4u * lane, col, sum.x);
      finish(row + 4u * (lane ^ 1u), col, sum.y);
      finish(row + 4u * (lane ^ 2u), col, sum.z);
      finish(row + 4u * (lane ^ 3u), col, sum.w);
    }
  }
}

@compute @workgroup_size(QUADS_WORKGROUP)
fn quads(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) subgroup_invocation: u32,
) {
  let lane = subgroup_invocation % 4u;
  let tile = (workgroup.x + params.group_offset.x) * QUADS_PER_GROUP + local / 4u;
  let row = (workgroup.y + params.group_offset.y) * 16u * ROW_BLOCKS;
  let col = tile * 16u * COL_BLOCKS;
  let quads = (params.steps + 3u) / 4u;
  var s00: Sums;
  var s01: Sums;
  var s10: Sums;
  var s11: Sums;
  for (var q = 0u; q < quads; q++) {
    let rows0 = rows_at(row + 4u * lane, q);
    let b0 = right_block(col + 4u * lane, q);
    s00 = add(rows0, b0, s00);
    if (ROW_BLOCKS == 1u) {
      if (COL_BLOCKS == 2u) {
        s01 = add(rows0, right_block(col + 16u + 4u * lane, q), s01);
      }
    } else {
      let rows1 = rows_at(row + 16u + 4u * lane, q);
      s10 = add(rows1, b0, s10);
      if (COL_BLOCKS == 2u) {
        let b1 = right_block(col + 16u + 4u * lane, q);
        s01 = add(rows0, b1, s01);
        s11 = add(rows1, b1, s11);
      }
    }
  }
  finish_sums(row, col, lane, s00);
  if (COL_BLOCKS == 2u) {
    finish_sums(row, col + 16u, lane, s01);
  }
  if (ROW_BLOCKS == 2u) {
    finish_sums(row + 16u, col, lane, s10);
    if (COL_BLOCKS == 2u) {
      finish_sums(row + 16u, col + 16u, lane, s11);
    }
  }
}
