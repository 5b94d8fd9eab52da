// RMSNorm (Zhang & Sennrich 2019, arXiv 1910.07467), over the last axis:
//   y = x * rstd * weight,  rstd = 1 / sqrt(mean(x^2) + eps)
// x, y, dout, dinp: (rows, cols); weight, dweight: (cols); rstd: (rows).
// Numbers are read by the element (common/element.*.wgsl): four at a time where cols is a multiple of 4.
//
// forward, backward: a workgroup does ROWS_PER_GROUP rows, one team a row (common/team.*.wgsl).
//   dinp = rstd * (dout * weight - x * rstd^2 * mean(dout * weight * x))         assigned
// backward_weight: a workgroup sums some columns over all rows (common/columns.*.wgsl).
//   dweight += sum over rows of dout * x * rstd                                  accumulated
// Sums are f32, each lane's first, then the team's.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  eps: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> weight: array<element>;
@group(0) @binding(2) var<storage, read_write> y: array<element>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<element>;
@group(0) @binding(5) var<storage, read_write> dinp: array<element>;
@group(0) @binding(6) var<storage, read_write> dweight: array<element>;

override ROWS_PER_GROUP: u32;

@compute @workgroup_size(TEAM_WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lane = team_lane(local);
  let lanes = team_size();
  let elements = params.cols / ELEMENT_WIDTH;
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * elements;
    var squares = element();
    for (var c = lane; c < elements; c += lanes) {
      let value = x[base + c];
      squares += value * value;
    }
    let scale = inverseSqrt(team_sum(element_sum(squares), local) / f32(params.cols) + params.eps);
    for (var c = lane; c < elements; c += lanes) {
      y[base + c] = x[base + c] * scale * weight[c];
    }
    if (lane == 0u) {
      rstd[row] = scale;
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn backward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lane = team_lane(local);
  let lanes = team_size();
  let elements = params.cols / ELEMENT_WIDTH;
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * elements;
    var products = element();
    for (var c = lane; c < elements; c += lanes) {
      products += dout[base + c] * weight[c] * x[base + c];
    }
    let scale = rstd[row];
    let correction = scale * scale * team_sum(element_sum(products), local) / f32(params.cols);
    for (var c = lane; c < elements; c += lanes) {
      dinp[base + c] = scale * (dout[base + c] * weight[c] - x[base + c] * correction);
    }
  }
}

@compute @workgroup_size(COLUMN_WORKGROUP)
fn backward_weight(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let elements = params.cols / ELEMENT_WIDTH;
  let c = group * COLUMN_LANES + local % COLUMN_LANES;
  var sum = element();
  if (c < elements) {
    for (var row = local / COLUMN_LANES; row < params.rows; row += COLUMN_STRIPS) {
      let at = row * elements + c;
      sum += dout[at] * x[at] * rstd[row];
    }
  }
  let total = column_total(sum, local);
  if (local < COLUMN_LANES && c < elements) {
    dweight[c] += total;
  }
}
