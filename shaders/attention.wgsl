// Attention with grouped heads over intervals of keys, without a T x T matrix (Dao et al. 2022, arXiv 2205.14135):
//   s_j = scale * q . k_j,  p_j = exp(s_j - lse),  lse = log(sum_j exp(s_j)),  out = sum_j p_j v_j
// where j runs over the keys prefixStart..prefixEnd and ownStart..ownEnd of the query's row of `ranges`.
// q, out, dout, dq: (query_rows, num_heads * HEAD_DIM); k, v, dk, dv: (key_rows, num_kv_heads * HEAD_DIM);
// lse: (query_rows, num_heads); ranges: (query_rows, 4); query_ranges: (key_rows, 2).
//
// The query rows of all heads that share a key head are taken as one list, heads innermost: "virtual row" token * group_size + head.
// An invocation owns four rows as the columns of 4x4 matrices and walks over the other side in blocks of 16 rows,
// four rows to a matrix: a product of two such matrices is 64 multiply-adds for 8 loads, fewer where a quad shares them.
//
// forward:           owns 4 virtual rows; a softmax rescaled once a block.               out, lse assigned
// backward_prepare:  one invocation a query row and head; gathers into `rows` what the other two need of a query:
//   rows[t] = (ranges[t] as f32, lse[t, :], delta[t, :]),  delta = dout . out            assigned
// backward_query:    owns 4 virtual rows; ds_j = p_j (dout . v_j - delta), dq = scale * sum_j ds_j k_j     assigned
// backward_key:      owns 4 key rows; dk = scale * sum_i ds_i q_i, dv = sum_i p_i dout_i                   assigned
//
// Blocks begin where the row's own interval begins, and sums run in the order of the rows with exact zeros for masked ones,
// so that a row's result does not depend on which other rows are in the batch.

struct Params {
  group_offset: vec3<u32>,
  query_rows: u32,
  key_rows: u32,
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
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;
@group(0) @binding(8) var<storage, read> query_ranges: array<vec2<u32>>;
@group(0) @binding(9) var<storage, read_write> dq: array<vec4<f32>>;
@group(0) @binding(10) var<storage, read_write> dk: array<vec4<f32>>;
@group(0) @binding(11) var<storage, read_write> dv: array<vec4<f32>>;

const WORKGROUP: u32 = 32u;
const BLOCK: u32 = 16u;
const CHUNKS: u32 = HEAD_DIM / 4u;
const NONE: u32 = 0xffffffffu;
/// A masked score, and the running maximum before the first score: exp(MASKED - FLOOR) is zero.
const MASKED: f32 = -1e30;
const FLOOR: f32 = -1e29;

/// Four virtual rows of one key head.
struct Owned {
  token: vec4<u32>,
  head: vec4<u32>,
  /// Where each begins in q, out, dout and dq, in vec4.
  at: vec4<u32>,
  /// Rows past the end are not live: they repeat the last row, see nothing and are not stored.
  live: vec4<bool>,
}

fn group_size() -> u32 {
  return params.num_heads / params.num_kv_heads;
}

fn own_rows(first: u32, kv_head: u32) -> Owned {
  let size = group_size();
  let virtual_row = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let last = params.query_rows * size - 1u;
  let row = min(virtual_row, vec4<u32>(last));
  let token = row / size;
  let head = kv_head * size + row % size;
  let at = (token * params.num_heads + head) * CHUNKS;
  return Owned(token, head, at, virtual_row <= vec4<u32>(last));
}

/// One bound of the four rows' intervals: prefixStart, prefixEnd, ownStart, ownEnd.
fn own_spans(own: Owned, bound: u32) -> vec4<u32> {
  return vec4<u32>(
    ranges[own.token.x][bound],
    ranges[own.token.y][bound],
    ranges[own.token.z][bound],
    ranges[own.token.w][bound],
  );
}

fn own_q(own: Owned, c: u32) -> mat4x4<f32> {
  return mat4x4<f32>(q[own.at.x + c], q[own.at.y + c], q[own.at.z + c], q[own.at.w + c]);
}

fn own_dout(own: Owned, c: u32) -> mat4x4<f32> {
  return mat4x4<f32>(dout[own.at.x + c], dout[own.at.y + c], dout[own.at.z + c], dout[own.at.w + c]);
}

/// Chunk c of four key rows as columns; `at` holds where the rows begin, this invocation's own first where a quad shares.
fn k_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(k[at.x + c]);
  }
  return mat4x4<f32>(k[at.x + c], k[at.y + c], k[at.z + c], k[at.w + c]);
}

fn v_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(v[at.x + c]);
  }
  return mat4x4<f32>(v[at.x + c], v[at.y + c], v[at.z + c], v[at.w + c]);
}

fn q_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(q[at.x + c]);
  }
  return mat4x4<f32>(q[at.x + c], q[at.y + c], q[at.z + c], q[at.w + c]);
}

fn dout_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(dout[at.x + c]);
  }
  return mat4x4<f32>(dout[at.x + c], dout[at.y + c], dout[at.z + c], dout[at.w + c]);
}

/// Where rows first .. first + 3 of k begin; rows from `to` on repeat the last, since what lies there may be no number.
fn key_columns_at(first: u32, lane: u32, to: u32, kv_head: u32) -> vec4<u32> {
  let row = min(vec4<u32>(first) + vec4<u32>(lane) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(to - 1u));
  return (row * params.num_kv_heads + kv_head) * CHUNKS;
}

/// Scaled scores of keys first .. first + 3 (rows) by owned row (columns), masked from each row's end on.
fn masked(s: mat4x4<f32>, first: u32, ends: vec4<u32>) -> mat4x4<f32> {
  let key = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let none = vec4<f32>(MASKED);
  return mat4x4<f32>(
    select(none, s[0] * params.scale, key < vec4<u32>(ends.x)),
    select(none, s[1] * params.scale, key < vec4<u32>(ends.y)),
    select(none, s[2] * params.scale, key < vec4<u32>(ends.z)),
    select(none, s[3] * params.scale, key < vec4<u32>(ends.w)),
  );
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let lane = quad_lane(local);
  let own = own_rows((group.x * WORKGROUP + local) * 4u, kv_head);
  var acc: array<mat4x4<f32>, CHUNKS>;
  var peak = vec4<f32>(FLOOR);
  var total = vec4<f32>();
  for (var side = 0u; side < 2u; side++) {
    let stops = own_spans(own, 2u * side + 1u);
    var starts = own_spans(own, 2u * side);
    starts = select(vec4<u32>(NONE), starts, own.live & (starts < stops));
    // Rows that begin together are walked together.
    for (var origin = quad_min(smallest(starts)); origin != NONE; origin = quad_min(smallest(starts))) {
      let now = starts == vec4<u32>(origin);
      let ends = select(vec4<u32>(), stops, now);
      let to = quad_max(largest(ends));
      starts = select(starts, vec4<u32>(NONE), now);
      for (var key = origin; key < to; key += BLOCK) {
        let at0 = key_columns_at(key, lane, to, kv_head);
        let at1 = key_columns_at(key + 4u, lane, to, kv_head);
        let at2 = key_columns_at(key + 8u, lane, to, kv_head);
        let at3 = key_columns_at(key + 12u, lane, to, kv_head);
        var s0 = mat4x4<f32>();
        var s1 = mat4x4<f32>();
        var s2 = mat4x4<f32>();
        var s3 = mat4x4<f32>();
        for (var c = 0u; c < CHUNKS; c++) {
          let x = own_q(own, c);
          s0 += transpose(k_columns(at0, c)) * x;
          s1 += transpose(k_columns(at1, c)) * x;
          s2 += transpose(k_columns(at2, c)) * x;
          s3 += transpose(k_columns(at3, c)) * x;
        }
        let m0 = masked(s0, key, ends);
        let m1 = masked(s1, key + 4u, ends);
        let m2 = masked(s2, key + 8u, ends);
        let m3 = masked(s3, key + 12u, ends);
        let next = column_max(column_max(column_max(column_max(peak, m0), m1), m2), m3);
        let p0 = exp_columns(m0, next);
        let p1 = exp_columns(m1, next);
        let p2 = exp_columns(m2, next);
        let p3 = exp_columns(m3, next);
        let decay = exp(peak - next);
        peak = next;
        total = column_sum(column_sum(column_sum(column_sum(total * decay, p0), p1), p2), p3);
        for (var c = 0u; c < CHUNKS; c++) {
          let old = acc[c];
          let a0 = mat4x4<f32>(old[0] * decay.x, old[1] * decay.y, old[2] * decay.z, old[3] * decay.w);
          let a1 = add_product(a0, v_columns(at0, c), p0);
          let a2 = add_product(a1, v_columns(at1, c), p1);
          let a3 = add_product(a2, v_columns(at2, c), p2);
          acc[c] = add_product(a3, v_columns(at3, c), p3);
        }
      }
    }
  }
  let seen = total > vec4<f32>();
  let norm = select(vec4<f32>(), 1.0 / total, seen);
  let logs = select(vec4<f32>(MASKED), peak + log(total), seen);
  for (var r = 0u; r < 4u; r++) {
    if (own.live[r]) {
      lse[own.at[r] / CHUNKS] = logs[r];
      for (var c = 0u; c < CHUNKS; c++) {
        out[own.at[r] + c] = acc[c][r] * norm[r];
      }
    }
  }
}

/// Words of `rows` a query row takes.
fn record_size() -> u32 {
  return 4u + 2u * params.num_heads;
}

@compute @workgroup_size(64)
fn backward_prepare(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + params.group_offset.x) * 64u + local;
  if (i >= params.query_rows * params.num_heads) {
    return;
  }
  var delta = 0.0;
  for (var c = 0u; c < CHUNKS; c++) {
    delta += dot(dout[i * CHUNKS + c], out[i * CHUNKS + c]);
  }
  let token = i / params.num_heads;
  let head = i % params.num_heads;
  let record = token * record_size();
  rows[record + 4u + head] = lse[i];
  rows[record + 4u + params.num_heads + head] = delta;
  if (head == 0u) {
    let span = vec4<f32>(ranges[token]);
    for (var bound = 0u; bound < 4u; bound++) {
      rows[record + bound] = span[bound];
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_query(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let lane = quad_lane(local);
  let own = own_rows((group.x * WORKGROUP + local) * 4u, kv_head);
  let stat = own.token * record_size() + 4u + own.head;
  // A row that sees nothing has lse = MASKED, which would make its masked scores exp(0).
  let shift = max(vec4<f32>(FLOOR), vec4<f32>(rows[stat.x], rows[stat.y], rows[stat.z], rows[stat.w]));
  let last = stat + params.num_heads;
  let delta = vec4<f32>(rows[last.x], rows[last.y], rows[last.z], rows[last.w]);
  var acc: array<mat4x4<f32>, CHUNKS>;
  for (var side = 0u; side < 2u; side++) {
    let stops = own_spans(own, 2u * side + 1u);
    var starts = own_spans(own, 2u * side);
    starts = select(vec4<u32>(NONE), starts, own.live & (starts < stops));
    for (var origin = quad_min(smallest(starts)); origin != NONE; origin = quad_min(smallest(starts))) {
      let now = starts == vec4<u32>(origin);
      let ends = select(vec4<u32>(), stops, now);
      let to = quad_max(largest(ends));
      starts = select(starts, vec4<u32>(NONE), now);
      for (var key = origin; key < to; key += BLOCK) {
        let at0 = key_columns_at(key, lane, to, kv_head);
        let at1 = key_columns_at(key + 4u, lane, to, kv_head);
        let at2 = key_columns_at(key + 8u, lane, to, kv_head);
        let at3 = key_columns_at(key + 12u, lane, to, kv_head);
        var s0 = mat4x4<f32>();
        var s1 = mat4x4<f32>();
        var s2 = mat4x4<f32>();
        var s3 = mat4x4<f32>();
        var d0 = mat4x4<f32>();
        var d1 = mat4x4<f32>();
        var d2 = mat4x4<f32>();
        var d3 = mat4x4<f32>();
        for (var c = 0u; c < CHUNKS; c++) {
          let x = own_q(own, c);
          s0 += transpose(k_columns(at0, c)) * x;
          s1 += transpose(k_columns(at1, c)) * x;
          s2 += transpose(k_columns(at2, c)) * x;
          s3 += transpose(k_columns(at3, c)) * x;
          let y = own_dout(own, c);
          d0 += transpose(v_columns(at0, c)) * y;
          d1 += transpose(v_columns(at1, c)) * y;
          d2 += transpose(v_columns(at2, c)) * y;
          d3 += transpose(v_columns(at3, c)) * y;
        }
        let g0 = column_gradient(exp_columns(masked(s0, key, ends), shift), d0, delta);
        let g1 = column_gradient(exp_columns(masked(s1, key + 4u, ends), shift), d1, delta);
        let g2 = column_gradient(exp_columns(masked(s2, key + 8u, ends), shift), d2, delta);
        let g3 = column_gradient(exp_columns(masked(s3, key + 12u, ends), shift), d3, delta);
        for (var c = 0u; c < CHUNKS; c++) {
          let a0 = add_product(acc[c], k_columns(at0, c), g0);
          let a1 = add_product(a0, k_columns(at1, c), g1);
          let a2 = add_product(a1, k_columns(at2, c), g2);
          acc[c] = add_product(a2, k_columns(at3, c), g3);
        }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (own.live[r]) {
      for (var c = 0u; c < CHUNKS; c++) {
        dq[own.at[r] + c] = acc[c][r] * params.scale;
      }
    }
  }
}

/// Four virtual rows seen by keys: where they begin in q and dout, and what `rows` says of each.
struct Queries {
  at: vec4<u32>,
  /// Columns: prefixStart, prefixEnd, ownStart, ownEnd; rows: the queries.
  spans: mat4x4<f32>,
  lse: vec4<f32>,
  delta: vec4<f32>,
}

fn record_span(token: u32) -> vec4<f32> {
  let record = token * record_size();
  return vec4<f32>(rows[record], rows[record + 1u], rows[record + 2u], rows[record + 3u]);
}

/// (lse, delta) of one virtual row; a row past the end gets an lse that makes its probabilities zero.
fn record_stats(token: u32, head: u32, inside: bool) -> vec4<f32> {
  let stat = token * record_size() + 4u + head;
  return vec4<f32>(select(-MASKED, rows[stat], inside), rows[stat + params.num_heads], 0.0, 0.0);
}

fn queries_at(first: u32, lane: u32, to: u32, kv_head: u32) -> Queries {
  let size = group_size();
  let wanted = vec4<u32>(first) + vec4<u32>(lane) + vec4<u32>(0u, 1u, 2u, 3u);
  let row = min(wanted, vec4<u32>(to - 1u));
  let inside = wanted < vec4<u32>(to);
  let token = row / size;
  let head = kv_head * size + row % size;
  let at = (token * params.num_heads + head) * CHUNKS;
  var spans: mat4x4<f32>;
  var stats: mat4x4<f32>;
  if (QUAD_SHARES) {
    spans = quad_columns(record_span(token.x));
    stats = quad_columns(record_stats(token.x, head.x, inside.x));
  } else {
    spans = mat4x4<f32>(record_span(token.x), record_span(token.y), record_span(token.z), record_span(token.w));
    stats = mat4x4<f32>(
      record_stats(token.x, head.x, inside.x),
      record_stats(token.y, head.y, inside.y),
      record_stats(token.z, head.z, inside.z),
      record_stats(token.w, head.w, inside.w),
    );
  }
  let by_field = transpose(stats);
  return Queries(at, transpose(spans), by_field[0], by_field[1]);
}

/// Probabilities that four queries give one key with scores s.
fn key_probability(s: vec4<f32>, queries: Queries, key: u32) -> vec4<f32> {
  let j = vec4<f32>(f32(key));
  let sees = ((queries.spans[0] <= j) & (j < queries.spans[1])) | ((queries.spans[2] <= j) & (j < queries.spans[3]));
  return exp(select(vec4<f32>(MASKED), s * params.scale - queries.lse, sees));
}

fn key_probabilities(s: mat4x4<f32>, queries: Queries, keys: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    key_probability(s[0], queries, keys.x),
    key_probability(s[1], queries, keys.y),
    key_probability(s[2], queries, keys.z),
    key_probability(s[3], queries, keys.w),
  );
}

@compute @workgroup_size(WORKGROUP)
fn backward_key(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let lane = quad_lane(local);
  let wanted = vec4<u32>((group.x * WORKGROUP + local) * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let keys = min(wanted, vec4<u32>(params.key_rows - 1u));
  let live = wanted == keys;
  let own = (keys * params.num_kv_heads + kv_head) * CHUNKS;
  let seen_by = array<vec2<u32>, 4>(
    query_ranges[keys.x],
    query_ranges[keys.y],
    query_ranges[keys.z],
    query_ranges[keys.w],
  );
  let starts = vec4<u32>(seen_by[0].x, seen_by[1].x, seen_by[2].x, seen_by[3].x);
  let stops = vec4<u32>(seen_by[0].y, seen_by[1].y, seen_by[2].y, seen_by[3].y);
  let some = live & (starts < stops);
  let size = group_size();
  let to = quad_max(largest(select(vec4<u32>(), stops, some))) * size;
  let begin = min(quad_min(smallest(select(vec4<u32>(NONE), starts, some))), params.query_rows) * size;
  var dk_acc: array<mat4x4<f32>, CHUNKS>;
  var dv_acc: array<mat4x4<f32>, CHUNKS>;
  for (var row = begin; row < to; row += BLOCK) {
    let q0 = queries_at(row, lane, to, kv_head);
    let q1 = queries_at(row + 4u, lane, to, kv_head);
    let q2 = queries_at(row + 8u, lane, to, kv_head);
    let q3 = queries_at(row + 12u, lane, to, kv_head);
    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var d0 = mat4x4<f32>();
    var d1 = mat4x4<f32>();
    var d2 = mat4x4<f32>();
    var d3 = mat4x4<f32>();
    for (var c = 0u; c < CHUNKS; c++) {
      let x = mat4x4<f32>(k[own.x + c], k[own.y + c], k[own.z + c], k[own.w + c]);
      s0 += transpose(q_columns(q0.at, c)) * x;
      s1 += transpose(q_columns(q1.at, c)) * x;
      s2 += transpose(q_columns(q2.at, c)) * x;
      s3 += transpose(q_columns(q3.at, c)) * x;
      let y = mat4x4<f32>(v[own.x + c], v[own.y + c], v[own.z + c], v[own.w + c]);
      d0 += transpose(dout_columns(q0.at, c)) * y;
      d1 += transpose(dout_columns(q1.at, c)) * y;
      d2 += transpose(dout_columns(q2.at, c)) * y;
      d3 += transpose(dout_columns(q3.at, c)) * y;
    }
    let p0 = key_probabilities(s0, q0, keys);
    let p1 = key_probabilities(s1, q1, keys);
    let p2 = key_probabilities(s2, q2, keys);
    let p3 = key_probabilities(s3, q3, keys);
    let g0 = row_gradient(p0, d0, q0.delta);
    let g1 = row_gradient(p1, d1, q1.delta);
    let g2 = row_gradient(p2, d2, q2.delta);
    let g3 = row_gradient(p3, d3, q3.delta);
    for (var c = 0u; c < CHUNKS; c++) {
      let k0 = add_product(dk_acc[c], q_columns(q0.at, c), g0);
      let k1 = add_product(k0, q_columns(q1.at, c), g1);
      let k2 = add_product(k1, q_columns(q2.at, c), g2);
      dk_acc[c] = add_product(k2, q_columns(q3.at, c), g3);
      let v0 = add_product(dv_acc[c], dout_columns(q0.at, c), p0);
      let v1 = add_product(v0, dout_columns(q1.at, c), p1);
      let v2 = add_product(v1, dout_columns(q2.at, c), p2);
      dv_acc[c] = add_product(v2, dout_columns(q3.at, c), p3);
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (live[r]) {
      for (var c = 0u; c < CHUNKS; c++) {
        dk[own[r] + c] = dk_acc[c][r] * params.scale;
        dv[own[r] + c] = dv_acc[c][r];
      }
    }
  }
}
