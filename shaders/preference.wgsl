// Preference losses (src/method/losses.ts has their formulas) over a batch of B pairs, from log-probabilities of tokens.
// Answers are numbered 2i (chosen of pair i) and 2i + 1 (rejected); answer s holds tokens offsets[s] .. offsets[s + 1].
// Per token: values, entropy, mean_logit, argmax, targets, dlogps: (tokens). offsets: (2B + 1).
// Per answer: sums, policy_logps, ref_logps, slopes: (B, 2); stats: (B, 2, 3). pair_weights: (B). metrics: (METRICS).
//
// answer_sums: one team an answer; sums = sum of values over its tokens                  assigned
// answer_stats: the same for entropy, mean logit and the count of argmax == target       assigned
// loss: one workgroup for the whole batch, one invocation a pair at a time               assigned
//   metrics: loss, rewards chosen, rejected, accuracies, margins, logps chosen, rejected,
//            logits chosen, rejected, entropy, mean_token_accuracy, tokens chosen, rejected
//   slopes = grad_scale * d loss / d policy_logps
//   sorted: (5, B) scratch: two keys, the two keys in ascending order, the pairs' losses
// token_slopes: one team an answer, and one more for the tokens after the last answer
//   dlogps = slope of the token's answer, 0 for a token of none                          assigned

struct Params {
  group_offset: vec3<u32>,
  pairs: u32,
  tokens: u32,
  has_pair_weights: u32,
  has_stats: u32,
  beta: f32,
  label_smoothing: f32,
  discopop_tau: f32,
  grad_scale: f32,
  w_sigmoid: f32,
  w_hinge: f32,
  w_ipo: f32,
  w_exo_pair: f32,
  w_nca_pair: f32,
  w_robust: f32,
  w_bco_pair: f32,
  w_sppo_hard: f32,
  w_aot: f32,
  w_aot_unpaired: f32,
  w_apo_zero: f32,
  w_apo_down: f32,
  w_discopop: f32,
  w_sft: f32,
  w_sigmoid_norm: f32,
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
@group(0) @binding(8) var<storage, read> policy_logps: array<f32>;
@group(0) @binding(9) var<storage, read> ref_logps: array<f32>;
@group(0) @binding(10) var<storage, read> pair_weights: array<f32>;
@group(0) @binding(11) var<storage, read> answer_stats_in: array<f32>;
@group(0) @binding(12) var<storage, read_write> slopes: array<f32>;
@group(0) @binding(13) var<storage, read_write> metrics: array<f32>;
@group(0) @binding(14) var<storage, read_write> sorted: array<f32>;
@group(0) @binding(15) var<storage, read> answer_slopes: array<f32>;
@group(0) @binding(16) var<storage, read_write> dlogps: array<f32>;

const ANSWERS_PER_GROUP: u32 = 16u;
const LOSS_WORKGROUP: u32 = 64u;

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

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn log_sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  // log(1 + e) loses e's digits when it is small.
  return min(x, 0.0) - select(log(1.0 + e), e - 0.5 * e * e, e < 1e-3);
}

/// A loss of the margin beta * (c - r) and its slopes by c and r, times its weight.
fn of_margin(weight: f32, loss: f32, slope: f32) -> vec3<f32> {
  return weight * vec3(loss, params.beta * slope, -params.beta * slope);
}

/// The losses of one pair alone, summed: loss, d/dc, d/dr of the log-ratios c (chosen) and r (rejected).
fn pair_losses(c: f32, r: f32, chosen_tokens: f32, rejected_tokens: f32) -> vec3<f32> {
  let beta = params.beta;
  let e = params.label_smoothing;
  let x = beta * c;
  let y = beta * r;
  let z = beta * (c - r);
  var sum = vec3(0.0);
  if (params.w_sigmoid != 0.0) {
    sum += of_margin(params.w_sigmoid, -log_sigmoid(z), -sigmoid(-z));
  }
  if (params.w_hinge != 0.0) {
    sum += of_margin(params.w_hinge, max(0.0, 1.0 - z), select(0.0, -1.0, z < 1.0));
  }
  if (params.w_ipo != 0.0) {
    let error = c / chosen_tokens - r / rejected_tokens - 0.5 / beta;
    sum += params.w_ipo * vec3(error * error, 2.0 * error / chosen_tokens, -2.0 * error / rejected_tokens);
  }
  if (params.w_exo_pair != 0.0) {
    let won = log_sigmoid(z) - log(1.0 - e);
    let lost = log_sigmoid(-z) - log(e);
    let qw = sigmoid(z);
    let ql = sigmoid(-z);
    sum += of_margin(params.w_exo_pair, qw * won + ql * lost, qw * ql * (won - lost));
  }
  if (params.w_nca_pair != 0.0) {
    let loss = -log_sigmoid(x) - 0.5 * log_sigmoid(-x) - 0.5 * log_sigmoid(-y);
    sum += params.w_nca_pair * vec3(loss, beta * (0.5 * sigmoid(x) - sigmoid(-x)), beta * 0.5 * sigmoid(y));
  }
  if (params.w_robust != 0.0) {
    let loss = -(1.0 - e) * log_sigmoid(z) + e * log_sigmoid(-z);
    let slope = -(1.0 - e) * sigmoid(-z) - e * sigmoid(z);
    sum += of_margin(params.w_robust / (1.0 - 2.0 * e), loss, slope);
  }
  if (params.w_bco_pair != 0.0) {
    let loss = -log_sigmoid(x) - log_sigmoid(-y);
    sum += params.w_bco_pair * vec3(loss, -beta * sigmoid(-x), beta * sigmoid(y));
  }
  if (params.w_sppo_hard != 0.0) {
    let won = c - 0.5 / beta;
    let lost = r + 0.5 / beta;
    sum += params.w_sppo_hard * vec3(won * won + lost * lost, 2.0 * won, 2.0 * lost);
  }
  if (params.w_apo_zero != 0.0) {
    let loss = sigmoid(-x) + sigmoid(y);
    sum += params.w_apo_zero * vec3(loss, -beta * sigmoid(x) * sigmoid(-x), beta * sigmoid(y) * sigmoid(-y));
  }
  if (params.w_apo_down != 0.0) {
    let slope = beta * sigmoid(z) * sigmoid(-z);
    sum += params.w_apo_down * vec3(sigmoid(x) + sigmoid(-z), beta * sigmoid(x) * sigmoid(-x) - slope, slope);
  }
  if (params.w_discopop != 0.0) {
    let tau = params.discopop_tau;
    let blend = sigmoid(z / tau);
    let rest = sigmoid(-z / tau);
    let exponential = exp(-z);
    let logistic = -log_sigmoid(z);
    let slope = blend * rest / tau * (exponential - logistic) - rest * sigmoid(-z) - blend * exponential;
    sum += of_margin(params.w_discopop, rest * logistic + blend * exponential, slope);
  }
  if (params.w_sigmoid_norm != 0.0) {
    let margin = beta * (c / chosen_tokens - r / rejected_tokens);
    let slope = -beta * sigmoid(-margin);
    sum += params.w_sigmoid_norm * vec3(-log_sigmoid(margin), slope / chosen_tokens, -slope / rejected_tokens);
  }
  return sum;
}

/// The sorting losses' term: -(1 - e) log s(z) - e log s(-z), and its slope by delta, where z = beta * delta.
fn smoothed_logistic(delta: f32) -> vec2<f32> {
  let z = params.beta * delta;
  let e = params.label_smoothing;
  return vec2(
    -(1.0 - e) * log_sigmoid(z) - e * log_sigmoid(-z),
    params.beta * (e * sigmoid(z) - (1.0 - e) * sigmoid(-z)),
  );
}

/// Place of key i in ascending order; equal keys keep their order.
fn rank_of(key: u32, i: u32) -> u32 {
  let own = sorted[key * params.pairs + i];
  var rank = 0u;
  for (var j = 0u; j < params.pairs; j++) {
    let other = sorted[key * params.pairs + j];
    rank += select(0u, 1u, other < own || (other == own && j < i));
  }
  return rank;
}

/// Key 0 and key 1 of pair i: what aot sorts (policy's and reference's margins) or aot_unpaired (both log-ratios).
fn sorting_keys(i: u32, unpaired: bool) -> vec2<f32> {
  let policy = vec2(policy_logps[2u * i], policy_logps[2u * i + 1u]);
  let reference = vec2(ref_logps[2u * i], ref_logps[2u * i + 1u]);
  return select(vec2(policy.x - policy.y, reference.x - reference.y), policy - reference, unpaired);
}

/// Adds a sorting loss to the pairs' losses and slopes. Must be called from workgroup-uniform control flow.
fn add_sorting_loss(local: u32, weight: f32, unpaired: bool) {
  let pairs = params.pairs;
  storageBarrier();
  for (var i = local; i < pairs; i += LOSS_WORKGROUP) {
    let keys = sorting_keys(i, unpaired);
    sorted[i] = keys.x;
    sorted[pairs + i] = keys.y;
  }
  storageBarrier();
  for (var i = local; i < pairs; i += LOSS_WORKGROUP) {
    sorted[2u * pairs + rank_of(0u, i)] = sorted[i];
    sorted[3u * pairs + rank_of(1u, i)] = sorted[pairs + i];
  }
  storageBarrier();
  for (var i = local; i < pairs; i += LOSS_WORKGROUP) {
    let first = smoothed_logistic(sorted[i] - sorted[3u * pairs + rank_of(0u, i)]);
    let second = smoothed_logistic(sorted[2u * pairs + rank_of(1u, i)] - sorted[pairs + i]);
    let scale = weight / f32(pairs);
    sorted[4u * pairs + i] += scale * first.x;
    slopes[2u * i] += params.grad_scale * scale * first.y;
    slopes[2u * i + 1u] -= params.grad_scale * scale * select(first.y, second.y, unpaired);
  }
}

@compute @workgroup_size(LOSS_WORKGROUP)
fn loss(@builtin(local_invocation_index) local: u32) {
  let pairs = params.pairs;
  var all_chosen = 0u;
  for (var i = 0u; i < pairs; i++) {
    all_chosen += offsets[2u * i + 1u] - offsets[2u * i];
  }
  for (var i = local; i < pairs; i += LOSS_WORKGROUP) {
    let c = policy_logps[2u * i] - ref_logps[2u * i];
    let r = policy_logps[2u * i + 1u] - ref_logps[2u * i + 1u];
    let chosen_tokens = f32(max(1u, offsets[2u * i + 1u] - offsets[2u * i]));
    let rejected_tokens = f32(max(1u, offsets[2u * i + 2u] - offsets[2u * i + 1u]));
    var result = pair_losses(c, r, chosen_tokens, rejected_tokens) / f32(pairs);
    if (params.w_sft != 0.0) {
      let weight = params.w_sft / f32(max(1u, all_chosen));
      result -= weight * vec3(policy_logps[2u * i], 1.0, 0.0);
    }
    if (params.has_pair_weights != 0u) {
      result *= pair_weights[i];
    }
    sorted[4u * pairs + i] = result.x;
    slopes[2u * i] = params.grad_scale * result.y;
    slopes[2u * i + 1u] = params.grad_scale * result.z;
  }
  if (params.w_aot != 0.0) {
    add_sorting_loss(local, params.w_aot, false);
  }
  if (params.w_aot_unpaired != 0.0) {
    add_sorting_loss(local, params.w_aot_unpaired, true);
  }
  storageBarrier();
  if (local == 0u) {
    write_metrics(f32(all_chosen));
  }
}

fn write_metrics(all_chosen: f32) {
  let pairs = f32(params.pairs);
  var total = 0.0;
  var policy = vec2(0.0);
  var rewards = vec2(0.0);
  var wins = 0.0;
  var entropies = 0.0;
  var logits = vec2(0.0);
  var hits = 0.0;
  for (var i = 0u; i < params.pairs; i++) {
    let logps = vec2(policy_logps[2u * i], policy_logps[2u * i + 1u]);
    let reward = params.beta * (logps - vec2(ref_logps[2u * i], ref_logps[2u * i + 1u]));
    total += sorted[4u * params.pairs + i];
    policy += logps;
    rewards += reward;
    wins += select(0.0, 1.0, reward.x > reward.y);
    if (params.has_stats != 0u) {
      let at = 6u * i;
      entropies += answer_stats_in[at] + answer_stats_in[at + 3u];
      logits += vec2(answer_stats_in[at + 1u], answer_stats_in[at + 4u]);
      hits += answer_stats_in[at + 2u];
    }
  }
  let all_rejected = f32(offsets[2u * params.pairs] - offsets[0]) - all_chosen;
  metrics[0] = total;
  metrics[1] = rewards.x / pairs;
  metrics[2] = rewards.y / pairs;
  metrics[3] = wins / pairs;
  metrics[4] = (rewards.x - rewards.y) / pairs;
  metrics[5] = policy.x / pairs;
  metrics[6] = policy.y / pairs;
  metrics[7] = logits.x / max(1.0, all_chosen);
  metrics[8] = logits.y / max(1.0, all_rejected);
  metrics[9] = entropies / max(1.0, all_chosen + all_rejected);
  metrics[10] = hits / max(1.0, all_chosen);
  metrics[11] = all_chosen;
  metrics[12] = all_rejected;
}
