// SwiGLU (Shazeer 2020, arXiv 2002.05202):
//   y = silu(gate) * up,  silu(g) = g * s,  s = sigmoid(g)
//   dgate = dout * up * (s + g * s * (1 - s)),  dup = dout * silu(gate)            assigned
// gate, up, y, dout, dgate, dup: (rows, inner).
// forward_fused, backward_fused: gate and up lie side by side in one matrix, gate_up, dgate_up: (rows, 2 * inner).
// Numbers are read by the element (common/element.*.wgsl): four at a time where inner is a multiple of 4.
//
// An invocation does a few elements (common/flat.wgsl).

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  inner: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gate: array<element>;
@group(0) @binding(1) var<storage, read> up: array<element>;
@group(0) @binding(2) var<storage, read_write> y: array<element>;
@group(0) @binding(3) var<storage, read> dout: array<element>;
@group(0) @binding(4) var<storage, read_write> dgate: array<element>;
@group(0) @binding(5) var<storage, read_write> dup: array<element>;
@group(0) @binding(6) var<storage, read> gate_up: array<element>;
@group(0) @binding(7) var<storage, read_write> dgate_up: array<element>;

/// Where the gate of element i lies in the fused layout; its `up` lies inner further.
fn fused(i: u32) -> u32 {
  let inner = params.inner / ELEMENT_WIDTH;
  return i + (i / inner) * inner;
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows * (params.inner / ELEMENT_WIDTH));
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    y[i] = gate[i] * sigmoid(gate[i]).value * up[i];
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn backward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows * (params.inner / ELEMENT_WIDTH));
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let g = gate[i];
    let s = sigmoid(g);
    let d = dout[i];
    dgate[i] = d * up[i] * (s.value + g * s.slope);
    dup[i] = d * g * s.value;
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn forward_fused(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let inner = params.inner / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows * (params.inner / ELEMENT_WIDTH));
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let at = fused(i);
    y[i] = gate_up[at] * sigmoid(gate_up[at]).value * gate_up[at + inner];
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn backward_fused(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let inner = params.inner / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows * (params.inner / ELEMENT_WIDTH));
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let at = fused(i);
    let g = gate_up[at];
    let s = sigmoid(g);
    let d = dout[i];
    dgate_up[at] = d * gate_up[at + inner] * (s.value + g * s.slope);
    dgate_up[at + inner] = d * g * s.value;
  }
}
