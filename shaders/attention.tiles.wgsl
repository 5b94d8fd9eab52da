// Attention as attention.wgsl computes it, for adapters with workgroup memory of their own:
//   s_j = scale * q . k_j,  p_j = exp(s_j - lse),  lse = log(sum_j exp(s_j)),  out = sum_j p_j v_j
//
// A workgroup owns 16 virtual rows (common/attention.tiles.wgsl); a softmax rescaled once a block.      out, lse assigned

@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

var<workgroup> scores: array<f32, ROWS * SCORE_STRIDE>;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let kv_head = group.y;
  let first = group.x * ROWS;
  let own = own_row(first, local, kv_head);
  let lane = local % LANES;
  let own_scores = local / LANES * SCORE_STRIDE;
  var acc: array<vec4<f32>, LANE_CHUNKS>;
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    acc[i] = vec4<f32>();
  }
  var peak = FLOOR;
  var total = 0.0;
  for (var side = 0u; side < 2u; side++) {
    for (var keys = next_interval(first, side, 0u); keys.x != NONE; keys = next_interval(first, side, keys.x + 1u)) {
      let end = own_end(own, side, keys.x);
      for (var key = keys.x; key < keys.y; key += TILE) {
        load_k(key, keys.y, kv_head, local);
        workgroupBarrier();
        for (var j = lane; j < TILE; j += LANES) {
          var s = 0.0;
          for (var c = 0u; c < CHUNKS; c++) {
            s += dot(q[own.at + c], tile[j * STRIDE + c]);
          }
          scores[own_scores + j] = select(MASKED, s * params.scale, key + j < end);
        }
        workgroupBarrier();
        load_v(key, keys.y, kv_head, local);
        var next = peak;
        for (var j = 0u; j < TILE; j++) {
          next = max(next, scores[own_scores + j]);
        }
        let decay = exp(peak - next);
        peak = next;
        total *= decay;
        for (var i = 0u; i < LANE_CHUNKS; i++) {
          acc[i] *= decay;
        }
        workgroupBarrier();
        for (var j = 0u; j < TILE; j++) {
          let p = exp(scores[own_scores + j] - peak);
          total += p;
          for (var i = 0u; i < LANE_CHUNKS; i++) {
            acc[i] += p * tile[j * STRIDE + min(lane + i * LANES, CHUNKS - 1u)];
          }
        }
        workgroupBarrier();
      }
    }
  }
  if (!own.live) {
    return;
  }
  let seen = total > 0.0;
  let norm = select(0.0, 1.0 / total, seen);
  if (lane == 0u) {
    lse[own.at / CHUNKS] = select(MASKED, peak + log(total), seen);
  }
  for (var i = 0u; i < LANE_CHUNKS; i++) {
    if (lane + i * LANES < CHUNKS) {
      out[own.at + lane + i * LANES] = acc[i] * norm;
    }
  }
}
