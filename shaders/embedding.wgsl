// Embedding: rows of a frozen table, by token id.
//   y[t] = weight[ids[t]], a row of zeros where ids[t] >= vocabulary              assigned
// ids: (rows); y: (rows, cols); weight: (vocabulary, cols) in any format (common/weight.*.wgsl), quads to a stored row.
//
// An invocation decodes one group of 4 numbers of one row.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  vocabulary: u32,
  quads: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

const WORKGROUP: u32 = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row_quads = (params.cols + 3u) / 4u;
  let task = (workgroup.x + params.group_offset.x) * WORKGROUP + local;
  let row = task / row_quads;
  let quad = task % row_quads;
  if (row >= params.rows) {
    return;
  }
  var value = vec4<f32>();
  if (ids[row] < params.vocabulary) {
    value = weight_vec4(ids[row], quad, params.quads);
  }
  let at = row * params.cols + 4u * quad;
  let count = min(4u, params.cols - 4u * quad);
  y[at] = value.x;
  if (count > 1u) {
    y[at + 1u] = value.y;
  }
  if (count > 2u) {
    y[at + 2u] = value.z;
  }
  if (count > 3u) {
    y[at + 3u] = value.w;
  }
}
