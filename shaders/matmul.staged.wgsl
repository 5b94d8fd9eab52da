// Matrix product for few rows on adapters with workgroup memory of their own (see common/matmul.wgsl), as decoding has it.
//
// A workgroup of 64 does STAGED_ROWS rows (1, 4 or 16) x 16 columns. All its invocations copy the columns' next 128 steps
// into workgroup memory, neighbours reading neighbouring steps of one stored row, so that the right operand comes in whole
// lines; each output is then summed by one invocation, in the order of the steps.

const STAGED_COLS: u32 = 16u;
/// Steps copied at once, in vec4.
const STAGED_QUADS: u32 = 32u;
/// Odd, so that the columns read different banks.
const STAGED_STRIDE: u32 = STAGED_QUADS + 1u;
const STAGED_WORKGROUP: u32 = 64u;
/// Rows between two that one invocation does, and how many it does.
const ROW_STEP: u32 = STAGED_WORKGROUP / STAGED_COLS;
const ROWS_EACH: u32 = (STAGED_ROWS + ROW_STEP - 1u) / ROW_STEP;

var<workgroup> staged_right: array<vec4<f32>, STAGED_COLS * STAGED_STRIDE>;

@compute @workgroup_size(STAGED_WORKGROUP)
fn staged(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first_col = (workgroup.x + params.group_offset.x) * STAGED_COLS;
  let first_row = (workgroup.y + params.group_offset.y) * STAGED_ROWS + local / STAGED_COLS;
  let col = local % STAGED_COLS;
  let quads = (params.steps + 3u) / 4u;
  // Stored rows past the last are read as the last, for outputs that are not kept.
  let last_col = params.cols - 1u;
  let last_row = params.rows - 1u;
  let is_busy = local / STAGED_COLS < STAGED_ROWS;
  var sums: array<f32, ROWS_EACH>;
  for (var i = 0u; i < ROWS_EACH; i++) {
    sums[i] = 0.0;
  }
  for (var quad = 0u; quad < quads; quad += STAGED_QUADS) {
    for (var i = local; i < STAGED_COLS * STAGED_QUADS; i += STAGED_WORKGROUP) {
      let from_col = min(first_col + i / STAGED_QUADS, last_col);
      let from_quad = min(quad + i % STAGED_QUADS, quads - 1u);
      staged_right[i / STAGED_QUADS * STAGED_STRIDE + i % STAGED_QUADS] = right_vec4(from_col, from_quad);
    }
    workgroupBarrier();
    if (is_busy) {
      for (var q = 0u; q < min(STAGED_QUADS, quads - quad); q++) {
        let b = staged_right[col * STAGED_STRIDE + q];
        for (var i = 0u; i < ROWS_EACH; i++) {
          sums[i] = chain(left_vec4(min(first_row + i * ROW_STEP, last_row), quad + q), b, sums[i]);
        }
      }
    }
    workgroupBarrier();
  }
  if (is_busy) {
    for (var i = 0u; i < ROWS_EACH; i++) {
      finish(first_row + i * ROW_STEP, first_col + col, sums[i]);
    }
  }
}
