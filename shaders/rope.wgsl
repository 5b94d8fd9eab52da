// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in the rotate-half pairing of Hugging Face's Llama:
// element i of a head's first half is paired with element i of its second half, and turned by the row's angle i:
//   y[i]        = x[i] * cos - x[i + half] * sin
//   y[i + half] = x[i + half] * cos + x[i] * sin
// x, y, dout, dinp: (rows, heads * headDim), half = headDim / 2; positions: (rows).
// table: (maxPositions, headDim), a position's cosines and then its sines (src/kernels/rope-table.ts): WGSL's own sin
// and cos are only exact near zero. A row whose position is past the table comes out as zeros.
// Numbers are read by the element (common/element.*.wgsl): four at a time where half is a multiple of 4.
//
// An invocation turns one element pair of one row, in HEADS_PER_INVOCATION heads: they share the angle.
// backward is the same by the negative angle:  dinp = R(-angle) dout               assigned

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  heads: u32,
  half: u32,
  max_positions: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> table: array<element>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<element>;
@group(0) @binding(4) var<storage, read> dout: array<element>;
@group(0) @binding(5) var<storage, read_write> dinp: array<element>;

const WORKGROUP: u32 = 64u;
const HEADS_PER_INVOCATION: u32 = 4u;

/// What one invocation does: which pair of which row, and the heads it serves.
struct Task {
  is_active: bool,
  first: u32,
  heads: u32,
  half: u32,
  cosine: element,
  sine: element,
}

fn task(workgroup: vec3<u32>, local: u32) -> Task {
  let group = workgroup + params.group_offset;
  let half = params.half / ELEMENT_WIDTH;
  let index = group.x * WORKGROUP + local;
  let row = index / half;
  let pair = index % half;
  let head = group.y * HEADS_PER_INVOCATION;
  var result: Task;
  result.is_active = row < params.rows;
  result.half = half;
  result.first = (row * params.heads + head) * 2u * half + pair;
  result.heads = min(HEADS_PER_INVOCATION, params.heads - head);
  if (result.is_active && positions[row] < params.max_positions) {
    let angle = positions[row] * 2u * half + pair;
    result.cosine = table[angle];
    result.sine = table[angle + half];
  }
  return result;
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let t = task(workgroup, local);
  if (!t.is_active) {
    return;
  }
  for (var head = 0u; head < t.heads; head++) {
    let at = t.first + head * 2u * t.half;
    let a = x[at];
    let b = x[at + t.half];
    y[at] = a * t.cosine - b * t.sine;
    y[at + t.half] = b * t.cosine + a * t.sine;
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let t = task(workgroup, local);
  if (!t.is_active) {
    return;
  }
  for (var head = 0u; head < t.heads; head++) {
    let at = t.first + head * 2u * t.half;
    let a = dout[at];
    let b = dout[at + t.half];
    dinp[at] = a * t.cosine + b * t.sine;
    dinp[at + t.half] = b * t.cosine - a * t.sine;
  }
}
