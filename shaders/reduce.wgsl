// Sums, means and maxima of a matrix along one axis; x: (rows, cols).
// Numbers are read by the element (common/element.*.wgsl): four at a time where cols is a multiple of 4.
//
// row_sum, row_mean, row_max: y (rows) over the last axis                         assigned
//   A workgroup does ROWS_PER_GROUP rows, one team a row (common/team.*.wgsl).
// column_sum: y (cols) += sum over rows                                           accumulated
//   A workgroup sums some columns over all rows (common/columns.*.wgsl). This is a bias's gradient.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_columns: array<element>;

override ROWS_PER_GROUP: u32;

/// The row of one step of a team's loop; past params.rows when there is none.
fn row_of(workgroup: vec3<u32>, i: u32) -> u32 {
  return (workgroup.x + params.group_offset.x) * ROWS_PER_GROUP + i;
}

fn sum_of_row(row: u32, local: u32) -> f32 {
  let elements = params.cols / ELEMENT_WIDTH;
  let lanes = team_size();
  var sum = element();
  for (var c = team_lane(local); c < elements; c += lanes) {
    sum += x[row * elements + c];
  }
  return team_sum(element_sum(sum), local);
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn row_sum(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = row_of(workgroup, i);
    if (row >= params.rows) {
      break;
    }
    let sum = sum_of_row(row, local);
    if (team_lane(local) == 0u) {
      y[row] = sum;
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn row_mean(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = row_of(workgroup, i);
    if (row >= params.rows) {
      break;
    }
    let sum = sum_of_row(row, local);
    if (team_lane(local) == 0u) {
      y[row] = sum / f32(params.cols);
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn row_max(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let lanes = team_size();
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = row_of(workgroup, i);
    if (row >= params.rows) {
      break;
    }
    // Every lane starts from a number of its row: no lane needs a stand-in for minus infinity.
    var largest = x[row * elements];
    for (var c = team_lane(local); c < elements; c += lanes) {
      largest = max(largest, x[row * elements + c]);
    }
    let result = team_max(element_max(largest), local);
    if (team_lane(local) == 0u) {
      y[row] = result;
    }
  }
}

@compute @workgroup_size(COLUMN_WORKGROUP)
fn column_sum(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let c = (workgroup.x + params.group_offset.x) * COLUMN_LANES + local % COLUMN_LANES;
  var sum = element();
  if (c < elements) {
    for (var row = local / COLUMN_LANES; row < params.rows; row += COLUMN_STRIPS) {
      sum += x[row * elements + c];
    }
  }
  let total = column_total(sum, local);
  if (local < COLUMN_LANES && c < elements) {
    y_columns[c] += total;
  }
}
