// Gradient of a linear layer's bias: dbias += sum over rows of dout. dout: (rows, cols), dbias: (cols).
// A workgroup does 64 columns, one invocation a column, adding rows in order.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> dout: array<f32>; // (rows, cols)
@group(0) @binding(1) var<storage, read_write> dbias: array<f32>; // (cols)

@compute @workgroup_size(64)
fn backward_bias(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let col = (workgroup.x + params.group_offset.x) * 64u + local;
  if (col >= params.cols) {
    return;
  }
  var total = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    total += dout[row * params.cols + col];
  }
  dbias[col] += total;
}
