// Reads a weight of any format (common/weight.*.wgsl) back into f32: values = weight, (rows, cols), assigned.
// An invocation does one element.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  quads: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> values: array<f32>; // (rows, cols)

@compute @workgroup_size(64)
fn dequantize(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let col = (workgroup.x + params.group_offset.x) * 64u + local;
  let row = workgroup.y + params.group_offset.y;
  if (row >= params.rows || col >= params.cols) {
    return;
  }
  values[row * params.cols + col] = weight_at(row, col, params.quads);
}
