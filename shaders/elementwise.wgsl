// Sums and multiples of whole tensors, elementwise:
//   add    y = a + b                                                              assigned
//   scale  y = alpha * a                                                          assigned
//   axpy   y += alpha * a                                                         accumulated
// a, b, y: (size). The gradient of add is dout for both; that of scale and axpy is alpha * dout.
// Numbers are read by the element (common/element.*.wgsl): four at a time where size is a multiple of 4.
//
// An invocation does a few elements (common/flat.wgsl).

struct Params {
  group_offset: vec3<u32>,
  size: u32,
  alpha: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<element>;
@group(0) @binding(1) var<storage, read> b: array<element>;
@group(0) @binding(2) var<storage, read_write> y: array<element>;

@compute @workgroup_size(FLAT_WORKGROUP)
fn add(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.size / ELEMENT_WIDTH);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    y[i] = a[i] + b[i];
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn scale(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.size / ELEMENT_WIDTH);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    y[i] = params.alpha * a[i];
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn axpy(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.size / ELEMENT_WIDTH);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    y[i] += params.alpha * a[i];
  }
}
