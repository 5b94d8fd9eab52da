// Draws one token per row of logits (rows, vocab), as Hugging Face's logits processors and warpers do, in their order:
//   repetition penalty  z = l * penalty where l < 0, l / penalty elsewhere, for tokens seen (Keskar et al. 2019)
//   temperature         w = exp((z - max z) / temperature), zero below exp(-80)
//   top-k               the first k tokens in the order (z descending, id ascending)
//   top-p               of these, every token before which less than top_p of their mass lies
//   min-p               of these, every token with w >= min_p
//   draw                the first token, by id, at which the running sum of w exceeds u * total; u from the row's key
// temperature 0 takes the first token of the order instead. logprob is under softmax(l), before all of this.
//
// A workgroup of GROUP invocations does one row. Nothing is sorted: thresholds are searched among the scores' levels
// (common/order.wgsl), eight pivots a pass, until one token, or tokens of one score, lie between what is kept and what is not.
// Sums run over fixed shares of a row in a fixed order, so a row's token depends on its logits, settings and key alone.

struct Params {
  group_offset: vec3<u32>,
  vocab: u32,
  penalty: f32,
  inverse_penalty: f32,
  inverse_temperature: f32, // 0: greedy
  top_k: u32, // 0: off
  top_p: f32, // 1: off
  min_p: f32, // 0: off
  tokens_per_row: u32,
  top_count: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>; // (rows, vocab)
@group(0) @binding(1) var<storage, read> seen: array<u32>; // (rows, ceil(vocab / 32)), bit id % 32 of word id / 32
@group(0) @binding(2) var<storage, read> keys: array<u32>; // (rows, 6): seed, round, image, prompt, candidate, position
@group(0) @binding(3) var<storage, read_write> scores: array<vec4<f32>>; // (rows, ceil(vocab / 4)), scratch: z
@group(0) @binding(4) var<storage, read_write> token: array<u32>; // (rows)
@group(0) @binding(5) var<storage, read_write> logprob: array<f32>; // (rows)
@group(0) @binding(6) var<storage, read> tokens: array<u32>; // (rows, tokens_per_row)
@group(0) @binding(7) var<storage, read_write> seen_bits: array<atomic<u32>>; // like seen
@group(0) @binding(8) var<storage, read_write> top_ids: array<u32>; // (rows, top_count)
@group(0) @binding(9) var<storage, read_write> top_logprobs: array<f32>; // (rows, top_count)

const HEADS: u32 = 16u;
const NONE: u32 = 0xffffffffu;
const LOWEST: f32 = -1e30; // stands for any lower logit
const PADDING: f32 = -3e38; // past the vocabulary; below every score

var<workgroup> lane_sums: array<mat4x4<f32>, GROUP>;
var<workgroup> head_sums: array<mat4x4<f32>, HEADS>;
var<workgroup> group_total: mat4x4<f32>;

/// Sums over the workgroup in a fixed order.
fn group_sum(value: mat4x4<f32>, local: u32) -> mat4x4<f32> {
  lane_sums[local] = value;
  workgroupBarrier();
  if (local < HEADS) {
    var sum = lane_sums[local];
    for (var i = local + HEADS; i < GROUP; i += HEADS) {
      sum += lane_sums[i];
    }
    head_sums[local] = sum;
  }
  workgroupBarrier();
  if (local == 0u) {
    var sum = head_sums[0];
    for (var i = 1u; i < HEADS; i++) {
      sum += head_sums[i];
    }
    group_total = sum;
  }
  return workgroupUniformLoad(&group_total);
}

var<workgroup> block_sums: array<f32, GROUP>;
var<workgroup> single_total: f32;

/// As group_sum, in the same order, of one number.
fn group_sum1(value: f32, local: u32) -> f32 {
  block_sums[local] = value;
  workgroupBarrier();
  if (local == 0u) {
    var total = 0.0;
    for (var head = 0u; head < HEADS; head++) {
      var sum = block_sums[head];
      for (var i = head + HEADS; i < GROUP; i += HEADS) {
        sum += block_sums[i];
      }
      total += sum;
    }
    single_total = total;
  }
  return workgroupUniformLoad(&single_total);
}

fn logit(base: u32, id: u32) -> f32 {
  return clamp(logits[base + id], LOWEST, -LOWEST);
}

/// Four logits; PADDING past the vocabulary.
fn logits_of(base: u32, quad: u32) -> vec4<f32> {
  let ids = 4u * quad + vec4(0u, 1u, 2u, 3u);
  let at = base + min(ids, vec4(params.vocab - 1u));
  let raw = clamp(vec4(logits[at.x], logits[at.y], logits[at.z], logits[at.w]), vec4(LOWEST), vec4(-LOWEST));
  return select(vec4(PADDING), raw, ids < vec4(params.vocab));
}

/// Four logits after the repetition penalty.
fn penalised(row: u32, quad: u32, raw: vec4<f32>) -> vec4<f32> {
  let word = seen[row * ((params.vocab + 31u) / 32u) + quad / 8u] >> (4u * (quad % 8u));
  let is_seen = (vec4(word) & vec4(1u, 2u, 4u, 8u)) != vec4(0u);
  let factor = select(vec4(params.inverse_penalty), vec4(params.penalty), raw < vec4(0.0));
  return max(select(raw, raw * factor, is_seen), vec4(PADDING));
}

/// exp where it matters, zero where the sum would not notice.
fn exp_or_zero(x: vec4<f32>) -> vec4<f32> {
  return select(vec4(0.0), exp(max(x, vec4(-80.0))), x > vec4(-80.0));
}

/// log of the sum of exp(logits) over a row whose largest logit is `largest`.
fn log_sum_exp(base: u32, largest: f32, local: u32) -> f32 {
  var sum = vec4(0.0);
  for (var quad = local; quad < (params.vocab + 3u) / 4u; quad += GROUP) {
    sum += exp_or_zero(logits_of(base, quad) - largest);
  }
  return largest + log(group_sum1((sum.x + sum.y) + (sum.z + sum.w), local));
}

/// The tokens in play: those with an level above `floor`, and of those at `floor` the ids up to `cut`.
struct Kept {
  floor: u32,
  cut: u32,
}

fn are_kept(kept: Kept, levels: vec4<u32>, quad: u32) -> vec4<bool> {
  let ids = 4u * quad + vec4(0u, 1u, 2u, 3u);
  return (levels > vec4(kept.floor)) | ((levels == vec4(kept.floor)) & (ids <= vec4(kept.cut)));
}

/// What a token weighs in a sum over the row: its w, or 1.
struct Weighing {
  /// Tokens with levels in [low, high) count.
  low: u32,
  high: u32,
  best: f32,
  by_count: bool,
  min_weight: f32,
}

fn weights_of(row: u32, quad: u32, kept: Kept, by: Weighing) -> vec4<f32> {
  let z = scores[row * ((params.vocab + 3u) / 4u) + quad];
  let levels = levels_of(z);
  let counts = (levels >= vec4(by.low)) & (levels < vec4(by.high)) & are_kept(kept, levels, quad);
  if (by.by_count) {
    return select(vec4(0.0), vec4(1.0), counts);
  }
  let w = exp_or_zero((z - by.best) * params.inverse_temperature);
  return select(vec4(0.0), w, counts & (w >= vec4(by.min_weight)));
}

var<workgroup> found_block: vec2<f32>;
var<workgroup> found_token: u32;

/// The first token, by id, at which the running sum of weights exceeds `share` of their total plus `offset`.
/// Past the end: the last token with a weight. The row is summed in GROUP blocks, each in order, then the blocks.
fn find(row: u32, share: f32, offset: f32, kept: Kept, by: Weighing, local: u32) -> u32 {
  let quads = (params.vocab + 3u) / 4u;
  let length = (quads + GROUP - 1u) / GROUP;
  let first = min(local * length, quads);
  let end = min(first + length, quads);
  var sum = 0.0;
  for (var quad = first; quad < end; quad++) {
    let w = weights_of(row, quad, kept, by);
    sum = sum + w.x + w.y + w.z + w.w;
  }
  block_sums[local] = sum;
  workgroupBarrier();
  if (local == 0u) {
    var total = 0.0;
    for (var i = 0u; i < GROUP; i++) {
      total += block_sums[i];
    }
    let goal = share * total + offset;
    var before = 0.0;
    var running = 0.0;
    var block = 0u;
    for (var i = 0u; i < GROUP; i++) {
      if (block_sums[i] > 0.0 && running <= goal) {
        block = i;
        before = running;
      }
      running += block_sums[i];
    }
    found_block = vec2(f32(block), goal - before);
    found_token = NONE;
  }
  let block = workgroupUniformLoad(&found_block);
  if (local == u32(block.x)) {
    var running = 0.0;
    var at = NONE;
    for (var quad = first; quad < end; quad++) {
      let w = weights_of(row, quad, kept, by);
      for (var i = 0u; i < 4u; i++) {
        if (w[i] > 0.0 && running <= block.y) {
          at = 4u * quad + i;
          running += w[i];
        }
      }
    }
    found_token = at;
  }
  return workgroupUniformLoad(&found_token);
}

/// Levels between which the last token to keep lies: [low, high), and what lies at or above each.
struct Bracket {
  low: u32,
  high: u32,
  count_low: f32,
  count_high: f32,
  mass_high: f32,
}

var<workgroup> bracket: Bracket;

/// Shortens what is kept to the first tokens whose count, or mass, reaches `goal`: the last one of them reaches it.
fn shorten(row: u32, kept: Kept, best: f32, goal: f32, by_count: bool, local: u32) -> Kept {
  var s = Bracket(kept.floor, level_of(best) + 1u, 1e9, 0.0, 0.0); // how many lie at or above the floor is not known
  var is_first_pass = true;
  while (s.high - s.low > 1u && s.count_low - s.count_high != 1.0) {
    let step = max(1u, (s.high - s.low) / 9u);
    var p = vec4(s.low) + step * vec4(1u, 2u, 3u, 4u); // ascending pivots
    var q = p + 4u * step;
    if (is_first_pass) { // where the end usually lies
      p = levels_of(vec4(best) - vec4(24.0, 16.0, 11.0, 7.0));
      q = levels_of(vec4(best) - vec4(4.0, 2.0, 1.0, 0.5));
      is_first_pass = false;
    }
    p = clamp(p, vec4(s.low), vec4(s.high));
    q = clamp(q, vec4(s.low), vec4(s.high));
    var counts_p = vec4(0.0); // tokens at or above the pivots, and their masses
    var counts_q = vec4(0.0);
    var masses_p = vec4(0.0);
    var masses_q = vec4(0.0);
    let ones_by = Weighing(s.low, s.high, best, true, 0.0);
    let mass_by = Weighing(s.low, s.high, best, false, 0.0);
    let quads = (params.vocab + 3u) / 4u;
    for (var quad = local; quad < quads; quad += GROUP) {
      let levels = levels_of(scores[row * quads + quad]);
      if (any((levels >= vec4(s.low)) & (levels < vec4(s.high)))) {
        let ones = weights_of(row, quad, kept, ones_by);
        let x_p = select(vec4(0.0), vec4(ones.x), vec4(levels.x) >= p);
        let y_p = select(vec4(0.0), vec4(ones.y), vec4(levels.y) >= p);
        let z_p = select(vec4(0.0), vec4(ones.z), vec4(levels.z) >= p);
        let w_p = select(vec4(0.0), vec4(ones.w), vec4(levels.w) >= p);
        let x_q = select(vec4(0.0), vec4(ones.x), vec4(levels.x) >= q);
        let y_q = select(vec4(0.0), vec4(ones.y), vec4(levels.y) >= q);
        let z_q = select(vec4(0.0), vec4(ones.z), vec4(levels.z) >= q);
        let w_q = select(vec4(0.0), vec4(ones.w), vec4(levels.w) >= q);
        counts_p += x_p + y_p + z_p + w_p;
        counts_q += x_q + y_q + z_q + w_q;
        if (!by_count) {
          let w = weights_of(row, quad, kept, mass_by);
          masses_p += w.x * x_p + w.y * y_p + w.z * z_p + w.w * w_p;
          masses_q += w.x * x_q + w.y * y_q + w.z * z_q + w.w * w_q;
        }
      }
    }
    _ = group_sum(mat4x4(counts_p, counts_q, masses_p, masses_q), local);
    if (local == 0u) {
      var next = s;
      for (var i = 0u; i < 8u; i++) { // from the highest pivot down to the first that reaches the goal
        let j = 7u - i;
        let level = select(p[j % 4u], q[j % 4u], j >= 4u);
        let count = s.count_high + group_total[j / 4u][j % 4u];
        let mass = s.mass_high + group_total[2u + j / 4u][j % 4u];
        if (select(mass, count, by_count) >= goal) {
          next.low = level;
          next.count_low = count;
          break;
        }
        next.high = level;
        next.count_high = count;
        next.mass_high = mass;
      }
      bracket = next;
    }
    s = workgroupUniformLoad(&bracket);
  }
  let cut = select(NONE, kept.cut, s.low == kept.floor);
  if (s.count_low - s.count_high == 1.0) {
    return Kept(s.low, cut);
  }
  var missing = goal - s.count_high; // tokens of the one score left in the bracket, still to be kept
  if (!by_count) {
    let w = exp_or_zero(vec4((score_of(s.low) - best) * params.inverse_temperature)).x;
    missing = select(1e9, ceil((goal - s.mass_high) / max(w, 1e-38)), w > 0.0);
  }
  let ties = Weighing(s.low, s.low + 1u, best, true, 0.0);
  let last = find(row, 0.0, max(missing, 1.0) - 1.0, kept, ties, local);
  return Kept(s.low, min(cut, last));
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
  if (params.inverse_temperature > 0.0) {
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

/// The row's first tokens of the order (logit descending, id ascending), with their log-probabilities.
@compute @workgroup_size(GROUP)
fn top(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x + params.group_offset.x;
  let base = row * params.vocab;
  var own = own_next(base, Place(NONE, 0u), local);
  var next = group_first(own, local);
  let normaliser = log_sum_exp(base, score_of(next.level), local);
  for (var i = 0u; i < params.top_count; i++) {
    if (local == 0u) {
      top_ids[row * params.top_count + i] = next.id;
      top_logprobs[row * params.top_count + i] = score_of(next.level) - normaliser;
    }
    if (next.id % GROUP == local) { // only the invocation whose token was taken has another first one
      own = own_next(base, next, local);
    }
    next = group_first(own, local);
  }
}

/// The first place after `last` among this invocation's tokens.
fn own_next(base: u32, last: Place, local: u32) -> Place {
  var first = Place(0u, NONE);
  for (var id = local; id < params.vocab; id += GROUP) {
    let place = Place(level_of(logit(base, id)), id);
    if (is_before(last, place)) {
      first = first_of(first, place);
    }
  }
  return first;
}

/// seen |= tokens, row by row; ids past the vocabulary (padding) are passed over.
@compute @workgroup_size(64)
fn mark_seen(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x + params.group_offset.x;
  for (var i = local; i < params.tokens_per_row; i += 64u) {
    let id = tokens[row * params.tokens_per_row + i];
    if (id < params.vocab) {
      atomicOr(&seen_bits[row * ((params.vocab + 31u) / 32u) + id / 32u], 1u << (id % 32u));
    }
  }
}
