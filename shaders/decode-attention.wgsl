// Attention of rows that stand alone, as decoding computes one row of each answer (Dao et al. 2023, Flash-Decoding):
//   s_j = scale * q . k_j,  out = sum_j exp(s_j - m) v_j / sum_j exp(s_j - m),  m = max_j s_j
// where j runs over the keys prefixStart..prefixEnd and then ownStart..ownEnd of the row's `ranges`, counted as one list.
// q, out: (query_rows, num_heads * HEAD_DIM); k, v: (key_rows, num_kv_heads * HEAD_DIM); ranges: (query_rows, 4).
//
// A team (common/team.*.wgsl) does HEADS heads of one row, which share a key head. Each lane walks over its own share of
// the keys, four at a time, with a softmax rescaled once a block; the lanes' sums are put together at the end.
// A row costs as much as it has keys, and which lane takes a key follows from the key's place in the row's list alone:
// a row's result does not depend on which other rows are in the batch. Sums are f32.

struct Params {
  group_offset: vec3<u32>,
  query_rows: u32,
  num_heads: u32,
  num_kv_heads: u32,
  scale: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;

override TASKS_PER_GROUP: u32;

const CHUNKS: u32 = HEAD_DIM / 4u;
/// A masked score, and the running maximum before the first score: exp(MASKED - FLOOR) is zero.
const MASKED: f32 = -1e30;
const FLOOR: f32 = -1e29;

/// What a lane has seen of its keys, for one head: largest score, and sum of exponentials under it.
struct Softmax {
  peak: f32,
  total: f32,
}

/// Four keys taken into a softmax: their weights, and the factor on what was summed before.
struct Weighed {
  softmax: Softmax,
  weights: vec4<f32>,
  decay: f32,
}

fn weigh(before: Softmax, scores: vec4<f32>) -> Weighed {
  let peak = max(before.peak, max(max(scores.x, scores.y), max(scores.z, scores.w)));
  let p = exp(scores - peak);
  let decay = exp(before.peak - peak);
  return Weighed(Softmax(peak, before.total * decay + ((p.x + p.y) + (p.z + p.w))), p, decay);
}

/// Factor that brings a lane's sums to the scale of the whole row, the row's norm included; a row without keys gets zeros.
fn share_of(lane: Softmax, local: u32) -> f32 {
  let peak = team_max(lane.peak, local);
  let factor = exp(lane.peak - peak);
  let total = team_sum(lane.total * factor, local);
  return select(0.0, factor / total, total > 0.0);
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lane = team_lane(local);
  let lanes = team_size();
  let tasks_per_row = params.num_heads / HEADS;
  for (var i = team_id(local); i < TASKS_PER_GROUP; i += team_count()) {
    let task = group * TASKS_PER_GROUP + i;
    let row = task / tasks_per_row;
    if (row >= params.query_rows) {
      break;
    }
    let head = (task % tasks_per_row) * HEADS;
    let kv_head = head / (params.num_heads / params.num_kv_heads);
    let query = (row * params.num_heads + head) * CHUNKS;
    let span = ranges[row];
    let prefix = span.y - span.x;
    let count = prefix + (span.w - span.z);
    var first = Softmax(FLOOR, 0.0);
    var second = Softmax(FLOOR, 0.0);
    var acc: array<vec4<f32>, HEADS * CHUNKS>;
    for (var c = 0u; c < HEADS * CHUNKS; c++) {
      acc[c] = vec4<f32>();
    }
    for (var start = lane; start < count; start += 4u * lanes) {
      let place = vec4<u32>(start) + lanes * vec4<u32>(0u, 1u, 2u, 3u);
      let seen = place < vec4<u32>(count);
      let key = min(place, vec4<u32>(count - 1u));
      let cache_row = select(key - prefix + span.z, key + span.x, key < vec4<u32>(prefix));
      let at = (cache_row * params.num_kv_heads + kv_head) * CHUNKS;
      var s0 = vec4<f32>();
      var s1 = vec4<f32>();
      for (var c = 0u; c < CHUNKS; c++) {
        let keys = transpose(mat4x4<f32>(k[at.x + c], k[at.y + c], k[at.z + c], k[at.w + c]));
        s0 += keys * q[query + c];
        if (HEADS == 2u) {
          s1 += keys * q[query + CHUNKS + c];
        }
      }
      let w0 = weigh(first, select(vec4<f32>(MASKED), s0 * params.scale, seen));
      let w1 = weigh(second, select(vec4<f32>(MASKED), s1 * params.scale, seen));
      first = w0.softmax;
      second = w1.softmax;
      for (var c = 0u; c < CHUNKS; c++) {
        let values = mat4x4<f32>(v[at.x + c], v[at.y + c], v[at.z + c], v[at.w + c]);
        acc[c] = acc[c] * w0.decay + values * w0.weights;
        if (HEADS == 2u) {
          acc[(HEADS - 1u) * CHUNKS + c] = acc[(HEADS - 1u) * CHUNKS + c] * w1.decay + values * w1.weights;
        }
      }
    }
    let share0 = share_of(first, local);
    let share1 = share_of(second, local);
    for (var c = 0u; c < HEADS * CHUNKS; c++) {
      let sum = team_sum4(acc[c] * select(share1, share0, c < CHUNKS), local);
      if (lane == 0u) {
        out[query + c] = sum;
      }
    }
  }
}
