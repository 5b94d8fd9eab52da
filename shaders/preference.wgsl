// Preference losses over a batch of B pairs, from log-probabilities of answers (common/preference.losses.wgsl).
// Answers are numbered 2i (chosen of pair i) and 2i + 1 (rejected); answer s holds tokens offsets[s] .. offsets[s + 1].
// policy_logps, ref_logps, slopes: (B, 2); answer_stats: (B, 2, 3). pair_weights: (B). offsets: (2B + 1). metrics: (METRICS).
//
// loss: one workgroup for the whole batch, one invocation a pair at a time               assigned
//   metrics: loss, rewards chosen, rejected, accuracies, margins, logps chosen, rejected,
//            logits chosen, rejected, entropy, mean_token_accuracy, tokens chosen, rejected
//   slopes = grad_scale * d loss / d policy_logps
//   sorted: (5, B) scratch: two keys, the two keys in ascending order, the pairs' losses

struct Params {
  group_offset: vec3<u32>,
  pairs: u32,
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
@group(0) @binding(1) var<storage, read> policy_logps: array<f32>;
@group(0) @binding(2) var<storage, read> ref_logps: array<f32>;
@group(0) @binding(3) var<storage, read> pair_weights: array<f32>;
@group(0) @binding(4) var<storage, read> answer_stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> slopes: array<f32>;
@group(0) @binding(6) var<storage, read_write> metrics: array<f32>;
@group(0) @binding(7) var<storage, read_write> sorted: array<f32>;

const LOSS_WORKGROUP: u32 = 64u;

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
      entropies += answer_stats[at] + answer_stats[at + 3u];
      logits += vec2(answer_stats[at + 1u], answer_stats[at + 4u]);
      hits += answer_stats[at + 2u];
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
