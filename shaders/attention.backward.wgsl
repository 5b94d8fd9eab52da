// Gradients of attention.wgsl, with the probabilities computed again from lse:
//   ds_j = p_j (dout . v_j - delta),  delta = dout . out,  dq = scale * sum_j ds_j k_j
//   dk = scale * sum_i ds_i q_i,  dv = sum_i p_i dout_i  over the queries i that see the key
// dout, dq like q; dk, dv like k; query_ranges: (key_rows, 2); rows: (query_rows, 4 + 2 num_heads).
//
// backward_prepare: one invocation a query row and head; gathers what the other two need of a query
//   rows[t] = (ranges[t] as f32, lse[t, :], delta[t, :])                                              assigned
// backward_query: an invocation owns 4 virtual rows (common/attention.wgsl)                           dq assigned
// backward_key: an invocation owns 4 key rows                                                         dk, dv assigned

@group(0) @binding(4) var<storage, read> out: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;
@group(0) @binding(8) var<storage, read> query_ranges: array<vec2<u32>>;
@group(0) @binding(9) var<storage, read_write> dq: array<vec4<f32>>;
@group(0) @binding(10) var<storage, read_write> dk: array<vec4<f32>>;
@group(0) @binding(11) var<storage, read_write> dv: array<vec4<f32>>;

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
    var left = own_spans(own, side);
    for (var run = next_run(&left); run.origin != NONE; run = next_run(&left)) {
      for (var key = run.origin; key < run.to; key += BLOCK) {
        let keys = key_block(key, lane, run.to, kv_head);
        var s = Block();
        var dp = Block();
        for (var c = 0u; c < CHUNKS; c++) {
          s = add_dots(s, k_block(keys, c), own_q(own, c));
          dp = add_dots(dp, v_block(keys, c), own_dout(own, c));
        }
        let ds = block_gradient(block_exp(masked(s, key, run.ends), shift), dp, delta);
        for (var c = 0u; c < CHUNKS; c++) {
          acc[c] = add_rows(acc[c], k_block(keys, c), ds);
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

fn own_dout(own: Owned, c: u32) -> mat4x4<f32> {
  return mat4x4<f32>(dout[own.at.x + c], dout[own.at.y + c], dout[own.at.z + c], dout[own.at.w + c]);
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

/// Chunk c of sixteen rows of q, a row a column.
fn q_block(rows: Rows, c: u32) -> Block {
  return Block(q_columns(rows.r0, c), q_columns(rows.r1, c), q_columns(rows.r2, c), q_columns(rows.r3, c));
}

fn dout_block(rows: Rows, c: u32) -> Block {
  return Block(
    dout_columns(rows.r0, c), dout_columns(rows.r1, c), dout_columns(rows.r2, c), dout_columns(rows.r3, c));
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

/// p * (dp - delta), each row with its own delta.
fn row_gradient(p: mat4x4<f32>, dp: mat4x4<f32>, delta: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(p[0] * (dp[0] - delta), p[1] * (dp[1] - delta), p[2] * (dp[2] - delta), p[3] * (dp[3] - delta));
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
    let seeing = Rows(q0.at, q1.at, q2.at, q3.at);
    var s = Block();
    var dp = Block();
    for (var c = 0u; c < CHUNKS; c++) {
      let own_k = mat4x4<f32>(k[own.x + c], k[own.y + c], k[own.z + c], k[own.w + c]);
      s = add_dots(s, q_block(seeing, c), own_k);
      let own_v = mat4x4<f32>(v[own.x + c], v[own.y + c], v[own.z + c], v[own.w + c]);
      dp = add_dots(dp, dout_block(seeing, c), own_v);
    }
    let p = Block(
      key_probabilities(s.m0, q0, keys),
      key_probabilities(s.m1, q1, keys),
      key_probabilities(s.m2, q2, keys),
      key_probabilities(s.m3, q3, keys),
    );
    let ds = Block(
      row_gradient(p.m0, dp.m0, q0.delta),
      row_gradient(p.m1, dp.m1, q1.delta),
      row_gradient(p.m2, dp.m2, q2.delta),
      row_gradient(p.m3, dp.m3, q3.delta),
    );
    for (var c = 0u; c < CHUNKS; c++) {
      dk_acc[c] = add_rows(dk_acc[c], q_block(seeing, c), ds);
      dv_acc[c] = add_rows(dv_acc[c], dout_block(seeing, c), p);
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
