// Draws one token per row of logits (rows, vocab), as Hugging Face's logits processors and warpers do, in their order:
//   repetition penalty  z = l * penalty where l < 0, l / penalty elsewhere, for tokens seen (Keskar et al. 2019)
//   temperature         w = exp((z - max z) / temperature), zero below exp(-80)
//   top-k               the first k tokens in the order (z descending, id ascending)
//   top-p               of these, every token before which less than top_p of their mass lies
//   min-p               of these, every token with w >= min_p
//   draw                the first token, by id, at which the running sum of w exceeds u * total; u from the row's key
// temperature 0, and a row marked greedy, takes the first token of the order instead. logprob is under softmax(l), before all of this.
//
// A workgroup of GROUP invocations does one row; a row's token depends on its logits, settings and key alone.

struct Params {
  group_offset: vec3<u32>,
  vocab: u32,
  penalty: f32,
  inverse_penalty: f32,
  inverse_temperature: f32, // 0: greedy
  top_k: u32, // 0: off
  top_p: f32, // 1: off
  min_p: f32, // 0: off
  has_greedy: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> seen: array<u32>; // (rows, ceil(vocab / 32)), bit id % 32 of word id / 32
@group(0) @binding(2) var<storage, read> keys: array<u32>; // (rows, 6): seed, round, image, prompt, candidate, position
@group(0) @binding(6) var<storage, read> greedy: array<u32>; // (rows), 1: the likeliest token whatever the temperature
@group(0) @binding(4) var<storage, read_write> token: array<u32>; // (rows)
@group(0) @binding(5) var<storage, read_write> logprob: array<f32>; // (rows)

/// Four logits after the repetition penalty.
fn penalised(row: u32, quad: u32, raw: vec4<f32>) -> vec4<f32> {
  let word = seen[row * ((params.vocab + 31u) / 32u) + quad / 8u] >> (4u * (quad % 8u));
  let is_seen = (vec4(word) & vec4(1u, 2u, 4u, 8u)) != vec4(0u);
  let factor = select(vec4(params.inverse_penalty), vec4(params.penalty), raw < vec4(0.0));
  return max(select(raw, raw * factor, is_seen), vec4(PADDING));
}

@compute @workgroup_size(GROUP)
fn draw(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x + params.group_offset.x;
  let base = row * params.vocab;
  let quads = (params.vocab + 3u) / 4u;
  var own_first = Place(0u, NONE);
  var own_largest = vec4(LOWEST);
  for (var quad = local; quad < quads; quad += GROUP) {
    let raw = logits_of(base, quad);
    var z = raw;
    if (params.penalty != 1.0) {
      z = penalised(row, quad, raw);
    }
    scores[row * quads + quad] = z;
    let levels = levels_of(z);
    let id = 4u * quad;
    own_first = first_of(own_first, Place(levels.x, id));
    own_first = first_of(own_first, Place(levels.y, id + 1u));
    own_first = first_of(own_first, Place(levels.z, id + 2u));
    own_first = first_of(own_first, Place(levels.w, id + 3u));
    own_largest = max(own_largest, raw);
  }
  let first = group_first(own_first, local);
  let own_raw = max(max(own_largest.x, own_largest.y), max(own_largest.z, own_largest.w));
  let largest = score_of(group_first(Place(level_of(own_raw), local), local).level);
  storageBarrier();
  let normaliser = log_sum_exp(base, largest, local);
  var chosen = first.id;
  let is_greedy = params.inverse_temperature == 0.0 || (params.has_greedy != 0u && greedy[row] != 0u);
  if (!is_greedy) {
    let best = score_of(first.level);
    var kept = Kept(level_of(LOWEST), NONE);
    for (var stage = 0u; stage < 2u; stage++) { // top-k, then top-p
      let by_count = stage == 0u;
      let is_off = select(params.top_p >= 1.0, params.top_k == 0u || params.top_k >= params.vocab, by_count);
      if (is_off) {
        continue;
      }
      var goal = f32(params.top_k);
      if (!by_count) {
        let all = Weighing(kept.floor, NONE, best, false, 0.0);
        var mass = vec4(0.0);
        for (var quad = local; quad < quads; quad += GROUP) {
          mass += weights_of(row, quad, kept, all);
        }
        let total = group_sum1((mass.x + mass.y) + (mass.z + mass.w), local);
        goal = max(params.top_p * total, 1e-30); // at least the likeliest token
      }
      kept = shorten(row, kept, best, goal, by_count, local);
    }
    let key = row * 6u;
    let word = philox4x32(
      vec4(keys[key + 2u], keys[key + 3u], keys[key + 4u], keys[key + 5u]), vec2(keys[key], keys[key + 1u]));
    let by = Weighing(kept.floor, NONE, best, false, params.min_p);
    chosen = find(row, uniform_of(word.x), 0.0, kept, by, local);
  }
  if (local == 0u) {
    token[row] = chosen;
    logprob[row] = logit(base, chosen) - normaliser;
  }
}
