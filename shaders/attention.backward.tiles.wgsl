// Gradients of attention as attention.backward.wgsl computes them, for adapters with workgroup memory of their own:
//   ds_j = p_j (dout . v_j - delta),  delta = dout . out,  dq = scale * sum_j ds_j k_j
//   dk = scale * sum_i ds_i q_i,  dv = sum_i p_i dout_i  over the queries i that see the key
// `rows` is what backward_prepare of that file gathers of each query.
//
// backward_query: a workgroup owns 16 virtual rows (common/attention.tiles.wgsl)                      dq assigned
// backward_key: a workgroup owns 16 key rows, and walks over virtual rows                             dk, dv assigned

@group(0) @binding(6) var<storage, read> dout: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;
@group(0) @binding(8) var<storage, read> query_ranges: array<vec2<u32>>;
@group(0) @binding(9) var<storage, read_write> dq: array<vec4<f32>>;
@group(0) @binding(10) var<storage, read_write> dk: array<vec4<f32>>;
@group(0) @binding(11) var<storage, read_write> dv: array<vec4<f32>>;

/// Probabilities and gradients of the scores of the owned rows (rows) with the block's (columns).
var<workgroup> probabilities: array<f32, ROWS * SCORE_STRIDE>;
var<workgroup> gradients: array<f32, ROWS * SCORE_STRIDE>;

/// Words of `rows` a query row takes.
fn record_size() -> u32 {
  return 4u + 2u * params.num_heads;
}

@compute @workgroup_size(WORKGROUP)
fn backward_query(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let first = group.x * ROWS;
  let own = own_row(first, local, kv_head);
  let lane = local % LANES;
  let own_gradients = local / LANES * SCORE_STRIDE;
  let stat = own.token * record_size() + 4u + own.head;
  // A row that sees nothing has lse = MASKED, which would make its masked scores exp(0).
  let shift = max(FLOOR, rows[stat]);
  let delta = rows[stat + params.num_heads];
  var acc: array<vec4<f32>, LANE_CHUNKS>;
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    acc[i] = vec4<f32>();
  }
  for (var side = 0u; side < 2u; side++) {
    for (var keys = next_interval(first, side, 0u); keys.x != NONE; keys = next_interval(first, side, keys.x + 1u)) {
      let end = own_end(own, side, keys.x);
      for (var key = keys.x; key < keys.y; key += TILE) {
        load_v(key, keys.y, kv_head, local);
        workgroupBarrier();
        var dp: array<f32, SHARE>;
        for (var i = 0u; i < SHARE; i++) {
          var sum = 0.0;
          for (var c = 0u; c < CHUNKS; c++) {
            sum += dot(dout[own.at + c], tile[(lane + i * LANES) * STRIDE + c]);
          }
          dp[i] = sum;
        }
        workgroupBarrier();
        load_k(key, keys.y, kv_head, local);
        workgroupBarrier();
        for (var i = 0u; i < SHARE; i++) {
          let j = lane + i * LANES;
          var s = 0.0;
          for (var c = 0u; c < CHUNKS; c++) {
            s += dot(q[own.at + c], tile[j * STRIDE + c]);
          }
          let p = exp(select(MASKED, s * params.scale, key + j < end) - shift);
          gradients[own_gradients + j] = p * (dp[i] - delta);
        }
        workgroupBarrier();
        for (var j = 0u; j < TILE; j++) {
          let ds = gradients[own_gradients + j];
          for (var i = 0u; i < LANE_CHUNKS; i++) {
            acc[i] += ds * tile[j * STRIDE + min(lane + i * LANES, CHUNKS - 1u)];
          }
        }
        workgroupBarrier();
      }
    }
  }
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    if (own.live && lane + i * LANES < CHUNKS) {
      dq[own.at + lane + i * LANES] = acc[i] * params.scale;
    }
  }
}

/// First and last + 1 query row that may see one of 16 key rows from `first` on; nothing is (NONE, 0).
fn seen_by(first: u32) -> vec2<u32> {
  var found = vec2<u32>(NONE, 0u);
  for (var key = first; key < min(first + ROWS, params.key_rows); key++) {
    let queries = query_ranges[key];
    if (queries.x < queries.y) {
      found = vec2<u32>(min(found.x, queries.x), max(found.y, queries.y));
    }
  }
  return found;
}

/// Where a virtual row begins in q and dout, in vec4.
fn query_at(row: u32, kv_head: u32) -> u32 {
  let size = group_size();
  return (row / size * params.num_heads + kv_head * size + row % size) * CHUNKS;
}

fn load_q(first: u32, to: u32, kv_head: u32, local: u32) {
  for (var i = local; i < TILE * CHUNKS; i += WORKGROUP) {
    tile[i / CHUNKS * STRIDE + i % CHUNKS] = q[query_at(min(first + i / CHUNKS, to - 1u), kv_head) + i % CHUNKS];
  }
}

fn load_dout(first: u32, to: u32, kv_head: u32, local: u32) {
  for (var i = local; i < TILE * CHUNKS; i += WORKGROUP) {
    tile[i / CHUNKS * STRIDE + i % CHUNKS] = dout[query_at(min(first + i / CHUNKS, to - 1u), kv_head) + i % CHUNKS];
  }
}

/// Whether a query row sees a key row.
fn sees(token: u32, key: u32) -> bool {
  let record = token * record_size();
  let j = f32(key);
  return (rows[record] <= j && j < rows[record + 1u]) || (rows[record + 2u] <= j && j < rows[record + 3u]);
}

@compute @workgroup_size(WORKGROUP)
fn backward_key(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let first = group.x * ROWS;
  let wanted = first + local / LANES;
  let key = min(wanted, params.key_rows - 1u);
  let own = (key * params.num_kv_heads + kv_head) * CHUNKS;
  let lane = local % LANES;
  let own_scores = local / LANES * SCORE_STRIDE;
  let size = group_size();
  let seeing = seen_by(first);
  let to = seeing.y * size;
  var dk_acc: array<vec4<f32>, LANE_CHUNKS>;
  var dv_acc: array<vec4<f32>, LANE_CHUNKS>;
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    dk_acc[i] = vec4<f32>();
    dv_acc[i] = vec4<f32>();
  }
  for (var row = min(seeing.x, params.query_rows) * size; row < to; row += TILE) {
    load_q(row, to, kv_head, local);
    workgroupBarrier();
    var p: array<f32, SHARE>;
    for (var i = 0u; i < SHARE; i++) {
      let j = lane + i * LANES;
      var s = 0.0;
      for (var c = 0u; c < CHUNKS; c++) {
        s += dot(k[own + c], tile[j * STRIDE + c]);
      }
      let query = min(row + j, to - 1u);
      let stat = query / size * record_size() + 4u + kv_head * size + query % size;
      let seen = row + j < to && sees(query / size, key);
      p[i] = exp(select(MASKED, s * params.scale - rows[stat], seen));
    }
    workgroupBarrier();
    load_dout(row, to, kv_head, local);
    workgroupBarrier();
    for (var i = 0u; i < SHARE; i++) {
      let j = lane + i * LANES;
      var dp = 0.0;
      for (var c = 0u; c < CHUNKS; c++) {
        dp += dot(v[own + c], tile[j * STRIDE + c]);
      }
      let query = min(row + j, to - 1u);
      let stat = query / size * record_size() + 4u + kv_head * size + query % size;
      probabilities[own_scores + j] = p[i];
      gradients[own_scores + j] = p[i] * (dp - rows[stat + params.num_heads]);
    }
    workgroupBarrier();
    for (var j = 0u; j < TILE; j++) {
      for (var i = 0u; i < LANE_CHUNKS; i++) {
        dv_acc[i] += probabilities[own_scores + j] * tile[j * STRIDE + min(lane + i * LANES, CHUNKS - 1u)];
      }
    }
    workgroupBarrier();
    load_q(row, to, kv_head, local);
    workgroupBarrier();
    for (var j = 0u; j < TILE; j++) {
      for (var i = 0u; i < LANE_CHUNKS; i++) {
        dk_acc[i] += gradients[own_scores + j] * tile[j * STRIDE + min(lane + i * LANES, CHUNKS - 1u)];
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    if (wanted == key && lane + i * LANES < CHUNKS) {
      dk[own + lane + i * LANES] = dk_acc[i] * params.scale;
      dv[own + lane + i * LANES] = dv_acc[i];
    }
  }
}
