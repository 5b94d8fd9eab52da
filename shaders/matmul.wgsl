// Matrix product without subgroups (see common/matmul.wgsl).
//   narrow  an invocation does NARROW_ROWS (1 or 4) rows x 4 COL_BLOCKS columns with no workgroup memory:
//           for few rows, one pass over the right operand; and for any shape where nothing else fits.
//   shared  a workgroup of 64 copies 64-row and 64-column panels of 16 steps into workgroup memory,
//           from which each invocation does 8 x 8 outputs: for adapters with real workgroup memory.

const NARROW_WORKGROUP: u32 = 32u;

fn narrow_add_4(rows: mat4x4<f32>, b: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(
    chain(rows[0], b, sum.x), chain(rows[1], b, sum.y), chain(rows[2], b, sum.z), chain(rows[3], b, sum.w));
}

/// Sums of 4 rows (components) x 4 columns (columns).
fn narrow_4(rows: mat4x4<f32>, b: mat4x4<f32>, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    narrow_add_4(rows, b[0], sums[0]),
    narrow_add_4(rows, b[1], sums[1]),
    narrow_add_4(rows, b[2], sums[2]),
    narrow_add_4(rows, b[3], sums[3]));
}

/// Sums of 1 row x 4 columns (components).
fn narrow_1(row: vec4<f32>, b: mat4x4<f32>, sums: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(
    chain(row, b[0], sums.x), chain(row, b[1], sums.y), chain(row, b[2], sums.z), chain(row, b[3], sums.w));
}

fn narrow_finish_4(row: u32, col: u32, sums: mat4x4<f32>) {
  var columns = sums;
  for (var c = 0u; c < 4u; c++) {
    let sum = columns[c];
    finish(row, col + c, sum.x);
    finish(row + 1u, col + c, sum.y);
    finish(row + 2u, col + c, sum.z);
    finish(row + 3u, col + c, sum.w);
  }
}

fn narrow_finish_1(row: u32, col: u32, sums: vec4<f32>) {
  finish(row, col, sums.x);
  finish(row, col + 1u, sums.y);
  finish(row, col + 2u, sums.z);
  finish(row, col + 3u, sums.w);
}

@compute @workgroup_size(NARROW_WORKGROUP)
fn narrow(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let col = ((workgroup.x + params.group_offset.x) * NARROW_WORKGROUP + local) * 4u * COL_BLOCKS;
  let row = (workgroup.y + params.group_offset.y) * NARROW_ROWS;
  if (col >= params.cols) {
    return;
  }
  let quads = (params.steps + 3u) / 4u;
  if (NARROW_ROWS == 1u) {
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    for (var q = 0u; q < quads; q++) {
      let a = left_vec4(row, q); // a single row is never of a transposed operand
      s0 = narrow_1(a, right_block(col, q), s0);
      if (COL_BLOCKS == 2u) {
        s1 = narrow_1(a, right_block(col + 4u, q), s1);
      }
    }
    narrow_finish_1(row, col, s0);
    if (COL_BLOCKS == 2u) {
      narrow_finish_1(row, col + 4u, s1);
    }
  } else {
    var s0: mat4x4<f32>;
    var s1: mat4x4<f32>;
    for (var q = 0u; q < quads; q++) {
      let a = left_block(row, q);
      s0 = narrow_4(a, right_block(col, q), s0);
      if (COL_BLOCKS == 2u) {
        s1 = narrow_4(a, right_block(col + 4u, q), s1);
      }
    }
    narrow_finish_4(row, col, s0);
    if (COL_BLOCKS == 2u) {
      narrow_finish_4(row, col + 4u, s1);
    }
  }
}

const PANEL_STEPS: u32 = 16u;

// Panels by step: (PANEL_STEPS, 64 / 4) vec4s of four neighbouring rows or columns.
var<workgroup> left_panel: array<vec4<f32>, 256>;
var<workgroup> right_panel: array<vec4<f32>, 256>;

@compute @workgroup_size(64)
fn shared_panels(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first_row = (workgroup.y + params.group_offset.y) * 64u;
  let first_col = (workgroup.x + params.group_offset.x) * 64u;
  // This invocation copies one 4 x 4 block of each panel. Neighbours read neighbouring steps of a row, or rows of a step.
  let copy_block = local / 4u;
  let copy_quad = local % 4u;
  let quads = (params.steps + 3u) / 4u;
  let row = local / 8u; // outputs: rows 4 row .. + 3 and 32 + 4 row .. + 3, columns likewise
  let col = local % 8u;
  var s00: mat4x4<f32>; // columns are rows of the output
  var s01: mat4x4<f32>;
  var s10: mat4x4<f32>;
  var s11: mat4x4<f32>;
  for (var q = 0u; q < quads; q += PANEL_STEPS / 4u) {
    // Past the last step everything is zero; selected rather than skipped, so that all invocations stay together.
    let inside = q + copy_quad < quads;
    let a = transpose(left_block(first_row + 4u * copy_block, q + copy_quad));
    let b = transpose(right_block(first_col + 4u * copy_block, q + copy_quad));
    workgroupBarrier();
    let at = 4u * copy_quad * 16u + copy_block;
    left_panel[at] = select(vec4<f32>(0.0), a[0], inside);
    left_panel[at + 16u] = select(vec4<f32>(0.0), a[1], inside);
    left_panel[at + 32u] = select(vec4<f32>(0.0), a[2], inside);
    left_panel[at + 48u] = select(vec4<f32>(0.0), a[3], inside);
    right_panel[at] = select(vec4<f32>(0.0), b[0], inside);
    right_panel[at + 16u] = select(vec4<f32>(0.0), b[1], inside);
    right_panel[at + 32u] = select(vec4<f32>(0.0), b[2], inside);
    right_panel[at + 48u] = select(vec4<f32>(0.0), b[3], inside);
    workgroupBarrier();
    for (var s = 0u; s < PANEL_STEPS; s++) {
      let a0 = left_panel[s * 16u + row];
      let a1 = left_panel[s * 16u + 8u + row];
      let b0 = right_panel[s * 16u + col];
      let b1 = right_panel[s * 16u + 8u + col];
      s00 = outer(a0, b0, s00);
      s01 = outer(a0, b1, s01);
      s10 = outer(a1, b0, s10);
      s11 = outer(a1, b1, s11);
    }
  }
  // Indexed in loops: once a tile, and unrolled it would be most of the code.
  var blocks = array<mat4x4<f32>, 4>(s00, s01, s10, s11);
  for (var block = 0u; block < 4u; block++) {
    for (var i = 0u; i < 4u; i++) {
      let sum = blocks[block][i];
      let out_row = first_row + 32u * (block / 2u) + 4u * row + i;
      let out_col = first_col + 32u * (block % 2u) + 4u * col;
      finish(out_row, out_col, sum.x);
      finish(out_row, out_col + 1u, sum.y);
      finish(out_row, out_col + 2u, sum.z);
      finish(out_row, out_col + 3u, sum.w);
    }
  }
}

/// Adds one step's products to 4 x 4 sums: columns of the matrix are rows of the output.
fn outer(a: vec4<f32>, b: vec4<f32>, sums: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    fma(vec4<f32>(a.x), b, sums[0]),
    fma(vec4<f32>(a.y), b, sums[1]),
    fma(vec4<f32>(a.z), b, sums[2]),
    fma(vec4<f32>(a.w), b, sums[3]));
}
