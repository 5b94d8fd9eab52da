// Between the tokens of a batch of B pairs and its answers, for preference.wgsl.
// Answers are numbered 2i (chosen of pair i) and 2i + 1 (rejected); answer s holds tokens offsets[s] .. offsets[s + 1].
// Per token: values, entropy, mean_logit, argmax, targets, dlogps: (tokens). offsets: (2B + 1).
// Per answer: sums, answer_slopes: (B, 2); stats: (B, 2, 3).
//
// answer_sums: one team an answer; sums = sum of values over its tokens                  assigned
// answer_stats: the same for entropy, mean logit and the count of argmax == target       assigned
// token_slopes: one team an answer, and one more for the tokens after the last answer
//   dlogps = slope of the token's answer, 0 for a token of none                          assigned

struct Params {
  group_offset: vec3<u32>,
  pairs: u32,
  tokens: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> offsets: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<storage, read> entropy: array<f32>;
@group(0) @binding(4) var<storage, read> mean_logit: array<f32>;
@group(0) @binding(5) var<storage, read> argmax: array<u32>;
@group(0) @binding(6) var<storage, read> targets: array<u32>;
@group(0) @binding(7) var<storage, read_write> stats: array<f32>;
@group(0) @binding(8) var<storage, read> answer_slopes: array<f32>;
@group(0) @binding(9) var<storage, read_write> dlogps: array<f32>;

const ANSWERS_PER_GROUP: u32 = 16u;

@compute @workgroup_size(TEAM_WORKGROUP)
fn answer_sums(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  for (var i = team_id(local); i < ANSWERS_PER_GROUP; i += team_count()) {
    let answer = group * ANSWERS_PER_GROUP + i;
    if (answer >= 2u * params.pairs) {
      break;
    }
    let end = min(offsets[answer + 1u], params.tokens);
    var total = 0.0;
    for (var t = offsets[answer] + team_lane(local); t < end; t += team_size()) {
      total += values[t];
    }
    total = team_sum(total, local);
    if (team_lane(local) == 0u) {
      sums[answer] = total;
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn answer_stats(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  for (var i = team_id(local); i < ANSWERS_PER_GROUP; i += team_count()) {
    let answer = group * ANSWERS_PER_GROUP + i;
    if (answer >= 2u * params.pairs) {
      break;
    }
    let end = min(offsets[answer + 1u], params.tokens);
    var entropies = 0.0;
    var logits = 0.0;
    var hits = 0.0;
    for (var t = offsets[answer] + team_lane(local); t < end; t += team_size()) {
      entropies += entropy[t];
      logits += mean_logit[t];
      hits += select(0.0, 1.0, argmax[t] == targets[t]);
    }
    entropies = team_sum(entropies, local);
    logits = team_sum(logits, local);
    hits = team_sum(hits, local);
    if (team_lane(local) == 0u) {
      stats[3u * answer] = entropies;
      stats[3u * answer + 1u] = logits;
      stats[3u * answer + 2u] = hits;
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn token_slopes(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let answers = 2u * params.pairs;
  for (var i = team_id(local); i < ANSWERS_PER_GROUP; i += team_count()) {
    let answer = group * ANSWERS_PER_GROUP + i;
    if (answer > answers) {
      break;
    }
    var end = params.tokens;
    var slope = 0.0;
    if (answer < answers) {
      end = min(offsets[answer + 1u], params.tokens);
      slope = answer_slopes[answer];
    }
    for (var t = offsets[answer] + team_lane(local); t < end; t += team_size()) {
      dlogps[t] = slope;
    }
  }
}
