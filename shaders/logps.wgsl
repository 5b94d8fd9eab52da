// Log-softmax of the language-model head's logits x = logit_scale * hidden . weight^T, one chunk of the vocabulary at a
// time, so that all of them never exist together; the matrix product before and after is shaders/matmul.*.wgsl.
//   lse = log sum_v exp(x_v),  logp = x_target - lse,  entropy = lse - sum_v softmax_v x_v,  mean_logit = mean_v x_v
//   d logp / d x_v = (v == target) - softmax_v
// logits, slopes: (rows, entries), the entries first_entry .. first_entry + entries of the vocabulary;
// state: (rows, 4); all others: (rows). A target outside the vocabulary gives logp 0 and no gradient.
//
// reduce: one team a row takes a chunk in; chunks come in ascending order
//   state = (m = max x, sum exp(x - m), sum exp(x - m) (x - m), sum x) so far                 updated
//   argmax = first entry with x = m so far; logps = x_target, once it was seen                updated
//   with the last chunk: logps, lse, entropy, mean_logit                                      assigned
// to_slopes: one team a row
//   slopes = dlogp * ((v == target) - exp(x - lse))                                           in place of logits

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  vocabulary: u32,
  first_entry: u32,
  entries: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> logps: array<f32>;
@group(0) @binding(4) var<storage, read_write> argmax: array<u32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(7) var<storage, read_write> mean_logit: array<f32>;
@group(0) @binding(8) var<storage, read> row_lse: array<f32>;
@group(0) @binding(9) var<storage, read> dlogps: array<f32>;
@group(0) @binding(10) var<storage, read_write> slopes: array<f32>;

override ROWS_PER_GROUP: u32;

/// Below every logit, and finite.
const LOWEST: f32 = -1e30;

@compute @workgroup_size(TEAM_WORKGROUP)
fn reduce(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lane = team_lane(local);
  let lanes = team_size();
  let entries = params.entries;
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * entries;
    var largest = LOWEST;
    for (var v = lane; v < entries; v += lanes) {
      largest = max(largest, logits[base + v]);
    }
    largest = team_max(largest, local);
    var exps = 0.0;
    var products = 0.0;
    var total = 0.0;
    var place = f32(entries);
    for (var v = lane; v < entries; v += lanes) {
      let x = logits[base + v];
      let d = x - largest;
      let e = exp(d);
      exps += e;
      products = fma(e, d, products);
      total += x;
      place = min(place, select(f32(entries), f32(v), d == 0.0));
    }
    let sums = team_sum4(vec4<f32>(exps, products, total, 0.0), local);
    place = -team_max(-place, local);
    if (lane == 0u) {
      take_in(row, vec4<f32>(largest, sums.x, sums.y, sums.z), min(u32(place), entries - 1u));
    }
  }
}

/// Merges a chunk's (m, sum exp, sum exp x, sum x), its largest logit standing at `place`, with what came before.
fn take_in(row: u32, chunk: vec4<f32>, place: u32) {
  var before = vec4<f32>(LOWEST, 0.0, 0.0, 0.0);
  if (params.first_entry > 0u) {
    before = state[row];
  }
  if (params.first_entry == 0u || chunk.x > before.x) {
    argmax[row] = params.first_entry + place;
  }
  let picked = targets[row] - params.first_entry;
  if (picked < params.entries) {
    logps[row] = logits[row * params.entries + picked];
  }
  let largest = max(before.x, chunk.x);
  let d = vec2<f32>(before.x, chunk.x) - largest;
  let e = exp(d);
  let exps = dot(e, vec2<f32>(before.y, chunk.y));
  let products = dot(e, vec2<f32>(fma(d.x, before.y, before.z), fma(d.y, chunk.y, chunk.z)));
  let total = before.w + chunk.w;
  state[row] = vec4<f32>(largest, exps, products, total);
  if (params.first_entry + params.entries == params.vocabulary) {
    let log_sum = log(exps);
    lse[row] = largest + log_sum;
    // Differences of logits first: log_sum and the entropy then keep their digits where logits are large.
    let target_offset = logps[row] - largest;
    logps[row] = select(0.0, target_offset - log_sum, targets[row] < params.vocabulary);
    entropy[row] = log_sum - products / exps;
    mean_logit[row] = total / f32(params.vocabulary);
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn to_slopes(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let lanes = team_size();
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = group * ROWS_PER_GROUP + i;
    if (row >= params.rows) {
      break;
    }
    let base = row * params.entries;
    let picked = targets[row] - params.first_entry;
    let dlogp = select(0.0, dlogps[row], targets[row] < params.vocabulary);
    for (var v = team_lane(local); v < params.entries; v += lanes) {
      let probability = exp(slopes[base + v] - row_lse[row]);
      slopes[base + v] = dlogp * (select(0.0, 1.0, v == picked) - probability);
    }
  }
}
