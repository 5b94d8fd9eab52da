// LayerNorm (Ba, Kiros & Hinton 2016, arXiv 1607.06450), over the last axis:
//   y = xhat * weight + bias,  xhat = (x - mean) * rstd,  rstd = 1 / sqrt(mean((x - mean)^2) + eps)
// x, y, dout, dinp: (rows, cols); weight, bias, dweight, dbias: (cols); mean, rstd: (rows).
// Numbers are read by the element (common/element.*.wgsl): four at a time where cols is a multiple of 4.
//
// forward, backward: a workgroup does ROWS_PER_GROUP rows, one team a row (common/team.*.wgsl).
//   g = dout * weight,  dinp = rstd * (g - mean(g) - xhat * mean(g * xhat))       assigned
// backward_weight: a workgroup sums some columns over all rows (common/columns.*.wgsl).
//   dweight += sum over rows of dout * xhat,  dbias += sum over rows of dout      accumulated
// The variance takes a second pass over the row: one pass over squares would cancel where |mean| >> deviation.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  eps: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> weight: array<element>;
@group(0) @binding(2) var<storage, read> bias: array<element>;
@group(0) @binding(3) var<storage, read_write> y: array<element>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<element>;
@group(0) @binding(7) var<storage, read_write> dinp: array<element>;
@group(0) @binding(8) var<storage, read_write> dweight: array<element>;
@group(0) @binding(9) var<storage, read_write> dbias: array<element>;

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
    var sum = element();
    for (var c = lane; c < elements; c += lanes) {
      sum += x[base + c];
    }
    let center = team_sum(element_sum(sum), local) / f32(params.cols);
    var squares = element();
    for (var c = lane; c < elements; c += lanes) {
      let deviation = x[base + c] - center;
      squares += deviation * deviation;
    }
    let scale = inverseSqrt(team_sum(element_sum(squares), local) / f32(params.cols) + params.eps);
    for (var c = lane; c < elements; c += lanes) {
      y[base + c] = (x[base + c] - center) * scale * weight[c] + bias[c];
    }
    if (lane == 0u) {
      mean[row] = center;
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
    let center = mean[row];
    let scale = rstd[row];
    var sum = element();
    var products = element();
    for (var c = lane; c < elements; c += lanes) {
      let g = dout[base + c] * weight[c];
      sum += g;
      products += g * (x[base + c] - center);
    }
    let g_mean = team_sum(element_sum(sum), local) / f32(params.cols);
    let correction = scale * scale * team_sum(element_sum(products), local) / f32(params.cols);
    for (var c = lane; c < elements; c += lanes) {
      let g = dout[base + c] * weight[c];
      dinp[base + c] = scale * (g - g_mean - (x[base + c] - center) * correction);
    }
  }
}

@compute @workgroup_size(COLUMN_WORKGROUP)
fn backward_weight(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let elements = params.cols / ELEMENT_WIDTH;
  let c = group * COLUMN_LANES + local % COLUMN_LANES;
  var weight_sum = element();
  var bias_sum = element();
  if (c < elements) {
    for (var row = local / COLUMN_LANES; row < params.rows; row += COLUMN_STRIPS) {
      let g = dout[row * elements + c];
      weight_sum += g * (x[row * elements + c] - mean[row]) * rstd[row];
      bias_sum += g;
    }
  }
  let weight_total = column_total(weight_sum, local);
  let bias_total = column_total(bias_sum, local);
  if (local < COLUMN_LANES && c < elements) {
    dweight[c] += weight_total;
    dbias[c] += bias_total;
  }
}
