// Which tokens of a row are in play, found without sorting: thresholds are searched among the scores' levels
// (common/order.wgsl), eight pivots a pass, until one token, or tokens of one score, lie between what is kept and what is not.

@group(0) @binding(3) var<storage, read_write> scores: array<vec4<f32>>; // (rows, ceil(vocab / 4)), scratch: z

/// The tokens in play: those with a level above `floor`, and of those at `floor` the ids up to `cut`.
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
