// Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): y += scaling * (dropout(x) A^T) B^T, A (r, in), B (out, r).
// Three shapes of product make up forward and backward; `wide` is in or out, `factor` is A or B (common/lora.wgsl).
// The third, which makes the gradients of A and B, is in lora.gradients.wgsl.
//
// project  thin = scale * dropout(wide) factor^T           assigned     xa = dropout(x) A^T; dxa = scaling * dout B
//          a workgroup does TILES_PER_GROUP tiles of 8 rows x 8 ranks, one team a tile, lanes along the columns.
// expand   wide_out += scale * dropout(thin factor)        accumulated  y += scaling * xa B^T; dx += dxa A
//          a workgroup does 64 columns x 32 rows, an invocation 4 columns x 8 rows; also W += scaling * B A.
// merge    wide_out += scale * B A                         accumulated, for ranks that are not whole vec4s

@group(0) @binding(4) var<storage, read_write> wide_out: array<f32>; // (rows, cols)
@group(0) @binding(7) var<storage, read> lora_b: array<f32>; // (out, r)

@compute @workgroup_size(TEAM_WORKGROUP)
fn project(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let quad = 2u * group.y;
  let last_rank = vec4(params.rank - 1u);
  let factor_lo = min(4u * quad + STEPS, last_rank) * params.stride_rank;
  let factor_hi = min(4u * quad + 4u + STEPS, last_rank) * params.stride_rank;
  let lane = team_lane(local);
  let lanes = team_size();
  for (var i = team_id(local); i < TILES_PER_GROUP; i += team_count()) {
    let octet = params.row_start / 8u + group.x * TILES_PER_GROUP + i;
    if (8u * octet >= params.row_end) {
      break;
    }
    let base_x = within(8u * octet + STEPS) * params.cols;
    let base_z = within(8u * octet + 4u + STEPS) * params.cols;
    var lo0 = vec4(0.0); // eight ranks of row 0
    var lo1 = vec4(0.0);
    var lo2 = vec4(0.0);
    var lo3 = vec4(0.0);
    var lo4 = vec4(0.0);
    var lo5 = vec4(0.0);
    var lo6 = vec4(0.0);
    var lo7 = vec4(0.0);
    var hi0 = vec4(0.0);
    var hi1 = vec4(0.0);
    var hi2 = vec4(0.0);
    var hi3 = vec4(0.0);
    var hi4 = vec4(0.0);
    var hi5 = vec4(0.0);
    var hi6 = vec4(0.0);
    var hi7 = vec4(0.0);
    for (var c = lane; c < params.cols; c += lanes) {
      var x = wide4(base_x + c);
      var z = wide4(base_z + c);
      if (DROPOUT) {
        let words = random_words(octet, c);
        x *= keep(words, 0u);
        z *= keep(words, 1u);
      }
      let lo = factor4(factor_lo, c * params.stride_wide);
      let hi = factor4(factor_hi, c * params.stride_wide);
      lo0 += x.x * lo;
      hi0 += x.x * hi;
      lo1 += x.y * lo;
      hi1 += x.y * hi;
      lo2 += x.z * lo;
      hi2 += x.z * hi;
      lo3 += x.w * lo;
      hi3 += x.w * hi;
      lo4 += z.x * lo;
      hi4 += z.x * hi;
      lo5 += z.y * lo;
      hi5 += z.y * hi;
      lo6 += z.z * lo;
      hi6 += z.z * hi;
      lo7 += z.w * lo;
      hi7 += z.w * hi;
    }
    store_tile(octet, quad, mat4x4(lo0, lo1, lo2, lo3), mat4x4(lo4, lo5, lo6, lo7),
      mat4x4(hi0, hi1, hi2, hi3), mat4x4(hi4, hi5, hi6, hi7), local);
  }
}

@compute @workgroup_size(64)
fn expand(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let octet = params.row_start / 8u + group.y * 4u + local / 16u;
  let columns = group.x * 64u + local % 16u + 16u * STEPS;
  let factor_at = min(columns, vec4(params.cols - 1u)) * params.stride_wide;
  var a0 = vec4(0.0); // four columns of row 0
  var a1 = vec4(0.0);
  var a2 = vec4(0.0);
  var a3 = vec4(0.0);
  var a4 = vec4(0.0);
  var a5 = vec4(0.0);
  var a6 = vec4(0.0);
  var a7 = vec4(0.0);
  for (var quad = 0u; quad < rank_quads(); quad++) {
    let ranks = min(4u * quad + STEPS, vec4(params.rank - 1u)) * params.stride_rank;
    let f0 = factor4(factor_at, ranks.x);
    let f1 = factor4(factor_at, ranks.y);
    let f2 = factor4(factor_at, ranks.z);
    let f3 = factor4(factor_at, ranks.w);
    let t = thin_rows(8u * octet, quad, local);
    let u = thin_rows(8u * octet + 4u, quad, local);
    a0 += t[0].x * f0 + t[0].y * f1 + t[0].z * f2 + t[0].w * f3;
    a1 += t[1].x * f0 + t[1].y * f1 + t[1].z * f2 + t[1].w * f3;
    a2 += t[2].x * f0 + t[2].y * f1 + t[2].z * f2 + t[2].w * f3;
    a3 += t[3].x * f0 + t[3].y * f1 + t[3].z * f2 + t[3].w * f3;
    a4 += u[0].x * f0 + u[0].y * f1 + u[0].z * f2 + u[0].w * f3;
    a5 += u[1].x * f0 + u[1].y * f1 + u[1].z * f2 + u[1].w * f3;
    a6 += u[2].x * f0 + u[2].y * f1 + u[2].z * f2 + u[2].w * f3;
    a7 += u[3].x * f0 + u[3].y * f1 + u[3].z * f2 + u[3].w * f3;
  }
  var kept_x = mat4x4(vec4(1.0), vec4(1.0), vec4(1.0), vec4(1.0));
  var kept_z = kept_x;
  if (DROPOUT) {
    let w0 = random_words(octet, columns.x);
    let w1 = random_words(octet, columns.y);
    let w2 = random_words(octet, columns.z);
    let w3 = random_words(octet, columns.w);
    kept_x = transpose(mat4x4(keep(w0, 0u), keep(w1, 0u), keep(w2, 0u), keep(w3, 0u)));
    kept_z = transpose(mat4x4(keep(w0, 1u), keep(w1, 1u), keep(w2, 1u), keep(w3, 1u)));
  }
  add_wide(8u * octet + 0u, columns, kept_x[0] * a0);
  add_wide(8u * octet + 1u, columns, kept_x[1] * a1);
  add_wide(8u * octet + 2u, columns, kept_x[2] * a2);
  add_wide(8u * octet + 3u, columns, kept_x[3] * a3);
  add_wide(8u * octet + 4u, columns, kept_z[0] * a4);
  add_wide(8u * octet + 5u, columns, kept_z[1] * a5);
  add_wide(8u * octet + 6u, columns, kept_z[2] * a6);
  add_wide(8u * octet + 7u, columns, kept_z[3] * a7);
}

/// Adds to four columns of a row.
fn add_wide(row: u32, columns: vec4<u32>, value: vec4<f32>) {
  if (row < params.row_start || row >= params.row_end) {
    return;
  }
  let at = row * params.cols + columns;
  if (columns.x < params.cols) {
    wide_out[at.x] += params.scale * value.x;
  }
  if (columns.y < params.cols) {
    wide_out[at.y] += params.scale * value.y;
  }
  if (columns.z < params.cols) {
    wide_out[at.z] += params.scale * value.z;
  }
  if (columns.w < params.cols) {
    wide_out[at.w] += params.scale * value.w;
  }
}

@compute @workgroup_size(64)
fn merge(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let rows = (group.y * 4u + local / 16u) * 4u + STEPS;
  let columns = group.x * 64u + local % 16u + 16u * STEPS;
  let b_at = min(rows, vec4(params.rows - 1u)) * params.rank;
  let factor_at = min(columns, vec4(params.cols - 1u));
  var acc0 = vec4(0.0); // four columns of the tile's first row
  var acc1 = vec4(0.0);
  var acc2 = vec4(0.0);
  var acc3 = vec4(0.0);
  for (var j = 0u; j < params.rank; j++) {
    let f = factor4(factor_at, j * params.cols);
    acc0 += lora_b[b_at.x + j] * f;
    acc1 += lora_b[b_at.y + j] * f;
    acc2 += lora_b[b_at.z + j] * f;
    acc3 += lora_b[b_at.w + j] * f;
  }
  add_wide(rows.x, columns, acc0);
  add_wide(rows.y, columns, acc1);
  add_wide(rows.z, columns, acc2);
  add_wide(rows.w, columns, acc3);
}
