// Attention with grouped heads over intervals of keys, without a T x T matrix (Dao et al. 2022, arXiv 2205.14135):
//   s_j = scale * q . k_j,  p_j = exp(s_j - lse),  lse = log(sum_j exp(s_j)),  out = sum_j p_j v_j
// where j runs over the keys prefixStart..prefixEnd and ownStart..ownEnd of the query's row of `ranges`.
// q, out: (query_rows, num_heads * HEAD_DIM); k, v: (key_rows, num_kv_heads * HEAD_DIM);
// lse: (query_rows, num_heads); ranges: (query_rows, 4).
//
// An invocation owns 4 virtual rows (common/attention.wgsl); a softmax rescaled once a block.      out, lse assigned

@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

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
    var left = own_spans(own, side);
    for (var run = next_run(&left); run.origin != NONE; run = next_run(&left)) {
      for (var key = run.origin; key < run.to; key += BLOCK) {
        let keys = key_block(key, lane, run.to, kv_head);
        var s = Block();
        for (var c = 0u; c < CHUNKS; c++) {
          s = add_dots(s, k_block(keys, c), own_q(own, c));
        }
        let scores = masked(s, key, run.ends);
        let next = block_max(peak, scores);
        let p = block_exp(scores, next);
        let decay = exp(peak - next);
        peak = next;
        total = block_sum(total * decay, p);
        for (var c = 0u; c < CHUNKS; c++) {
          let old = acc[c];
          let kept = mat4x4<f32>(old[0] * decay.x, old[1] * decay.y, old[2] * decay.z, old[3] * decay.w);
          acc[c] = add_rows(kept, v_block(keys, c), p);
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
