// RMSNorm (Zhang & Sennrich 2019, arXiv 1910.07467), over the last axis:
//   y = x * rstd * weight,  rstd = 1 / sqrt(mean(x^2) + eps)
// x, y, dout, dinp: (rows, cols); weight, dweight: (cols); rstd: (rows).
//
// forward, backward: a workgroup does ROWS_PER_GROUP rows, one team a row (common/team.*.wgsl).
//   dinp = rstd * (dout * weight - x * rstd^2 * mean(dout * weight * x))         assigned
// backward_weight: a workgroup does 64 columns, one invocation a column, adding rows in order.
//   dweight += sum over rows of dout * x * rstd                                  accumulated
// Sums are f32, each lane's first, then the team's.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  eps: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read_write> dinp: array<f32>;
@group(0) @binding(6) var<storage, read_write> dweight: array<f32>;

const ROWS_PER_GROUP: u32 = 16u;

@compute @workgroup_size(TEAM_WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lane = team_lane(local);
  let lanes = team_size();
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * params.cols;
    var squares = 0.0;
    for (var c = lane; c < params.cols; c += lanes) {
      squares += x[base + c] * x[base + c];
    }
    let scale = inverseSqrt(team_sum(squares, local) / f32(params.cols) + params.eps);
    for (var c = lane; c < params.cols; c += lanes) {
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
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * params.cols;
    var dot = 0.0;
    for (var c = lane; c < params.cols; c += lanes) {
      dot += dout[base + c] * weight[c] * x[base + c];
    }
    let scale = rstd[row];
    let correction = scale * scale * team_sum(dot, local) / f32(params.cols);
    for (var c = lane; c < params.cols; c += lanes) {
      dinp[base + c] = scale * (dout[base + c] * weight[c] - x[base + c] * correction);
    }
  }
}

@compute @workgroup_size(64)
fn backward_weight(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let c = (workgroup.x + params.group_offset.x) * 64u + local;
  if (c >= params.cols) {
    return;
  }
  var total = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    let at = row * params.cols + c;
    total += dout[at] * x[at] * rstd[row];
  }
  dweight[c] += total;
}
