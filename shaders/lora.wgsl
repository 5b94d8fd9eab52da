// Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): y += scaling * (dropout(x) A^T) B^T, A (r, in), B (out, r).
// Three shapes of product make up forward and backward; `wide` is in or out, `factor` is A or B read by strides:
//   factor(j, c) = factor[j * stride_rank + c * stride_wide],  j < rank, c < cols.
// Thin matrices (rows, r) are stored (rows, 4 rank_quads), their tails zero, so that ranks are read four at a time.
//
// project  thin = scale * dropout(wide) factor^T           assigned     xa = dropout(x) A^T; dxa = scaling * dout B
//          a workgroup does TILES_PER_GROUP tiles of 8 rows x 8 ranks, one team a tile, lanes along the columns.
// expand   wide_out += scale * dropout(thin factor)        accumulated  y += scaling * xa B^T; dx += dxa A
//          a workgroup does 64 columns x 32 rows, an invocation 4 columns x 8 rows; also W += scaling * B A.
// outer    partial[chunk] = dropout(wide)^T thin           assigned     summed by `collect` into dA, dB
//          a workgroup does 64 columns x 8 ranks x 4 chunks of rows, an invocation 4 columns x 8 ranks.
// collect  total += scale * sum over chunks of partial     accumulated, chunks in order
// merge    wide_out += scale * B A                         accumulated, for ranks that are not whole vec4s
//
// Only rows in [row_start, row_end) are read or written. Dropout is computed anew wherever it is needed, for eight rows
// at a time: element (row, c) is left out when half-word row % 8 of the generator at (row / 8, c, step, module) under
// (seed, "lora") is below `dropped`; the halves are the four lower ones, then the four upper ones.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  row_start: u32,
  row_end: u32,
  cols: u32,
  rank: u32,
  stride_rank: u32,
  stride_wide: u32,
  chunk_rows: u32, // a multiple of 8
  chunks: u32,
  scale: f32,
  seed: u32,
  step: u32,
  module_id: u32,
  dropped: u32, // of 65536
  keep_scale: f32,
}

override DROPOUT: bool = false;

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> wide: array<f32>; // (rows, cols)
@group(0) @binding(1) var<storage, read> factor: array<f32>; // A (r, in) or B (out, r)
@group(0) @binding(2) var<storage, read> thin: array<vec4<f32>>; // (rows, rank_quads)
@group(0) @binding(3) var<storage, read_write> thin_out: array<vec4<f32>>; // (rows, rank_quads)
@group(0) @binding(4) var<storage, read_write> wide_out: array<f32>; // (rows, cols)
@group(0) @binding(5) var<storage, read_write> partial: array<f32>; // (chunks, A's or B's shape)
@group(0) @binding(6) var<storage, read_write> total: array<f32>; // A's or B's shape
@group(0) @binding(7) var<storage, read> lora_b: array<f32>; // (out, r)

const LORA: u32 = 0x6c6f7261u;
const STEPS: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

fn random_words(octet: u32, c: u32) -> vec4<u32> {
  return philox4x32(vec4(octet, c, params.step, params.module_id), vec2(params.seed, LORA));
}

/// What dropout multiplies an octet's rows 0 to 3 (upper = 0) or 4 to 7 (upper = 1) with: 0 or 1 / (1 - rate).
fn keep(words: vec4<u32>, upper: u32) -> vec4<f32> {
  let halves = (words >> vec4(16u * upper)) & vec4(0xffffu);
  return select(vec4(0.0), vec4(params.keep_scale), halves >= vec4(params.dropped));
}

fn rank_quads() -> u32 {
  return (params.rank + 3u) / 4u;
}

/// The row itself, or the nearest that takes part.
fn within(row: vec4<u32>) -> vec4<u32> {
  return clamp(row, vec4(params.row_start), vec4(params.row_end - 1u));
}

fn factor4(row: vec4<u32>, at: u32) -> vec4<f32> {
  return vec4(factor[row.x + at], factor[row.y + at], factor[row.z + at], factor[row.w + at]);
}

fn wide4(at: vec4<u32>) -> vec4<f32> {
  return vec4(wide[at.x], wide[at.y], wide[at.z], wide[at.w]);
}

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

/// Stores eight ranks of a row, with zeros past the last rank.
fn store_thin(row: u32, quad: u32, lo: vec4<f32>, hi: vec4<f32>) {
  if (row < params.row_start || row >= params.row_end) {
    return;
  }
  let ranks = 4u * quad + STEPS;
  let at = row * rank_quads() + quad;
  thin_out[at] = select(vec4(0.0), params.scale * lo, ranks < vec4(params.rank));
  if (quad + 1u < rank_quads()) {
    thin_out[at + 1u] = select(vec4(0.0), params.scale * hi, ranks + 4u < vec4(params.rank));
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
fn outer(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let columns = group.x * 64u + local % 16u + 16u * STEPS;
  let wide_at = min(columns, vec4(params.cols - 1u));
  let quad = 2u * group.y;
  let quad_hi = min(quad + 1u, rank_quads() - 1u);
  let chunk = group.z * 4u + local / 16u;
  let first = (params.row_start / 8u) * 8u + chunk * params.chunk_rows;
  // Chunks of one subgroup take equally many steps, some over rows that take no part: it shares thin rows on the way.
  let last = first + thin_span(min(params.chunk_rows, params.row_end - min(first, params.row_end)));
  var lo0 = vec4(0.0); // eight ranks of column 0
  var lo1 = vec4(0.0);
  var lo2 = vec4(0.0);
  var lo3 = vec4(0.0);
  var hi0 = vec4(0.0);
  var hi1 = vec4(0.0);
  var hi2 = vec4(0.0);
  var hi3 = vec4(0.0);
  var w0 = vec4(0u);
  var w1 = vec4(0u);
  var w2 = vec4(0u);
  var w3 = vec4(0u);
  for (var row = first; row < last; row += 4u) {
    let rows = within(row + STEPS) * params.cols;
    var x0 = wide4(rows.x + wide_at);
    var x1 = wide4(rows.y + wide_at);
    var x2 = wide4(rows.z + wide_at);
    var x3 = wide4(rows.w + wide_at);
    if (DROPOUT) {
      let upper = (row / 4u) % 2u;
      if (upper == 0u) {
        w0 = random_words(row / 8u, columns.x);
        w1 = random_words(row / 8u, columns.y);
        w2 = random_words(row / 8u, columns.z);
        w3 = random_words(row / 8u, columns.w);
      }
      let kept = transpose(mat4x4(keep(w0, upper), keep(w1, upper), keep(w2, upper), keep(w3, upper)));
      x0 *= kept[0];
      x1 *= kept[1];
      x2 *= kept[2];
      x3 *= kept[3];
    }
    let lo = thin_rows(row, quad, local);
    let hi = thin_rows(row, quad_hi, local);
    lo0 += x0.x * lo[0] + x1.x * lo[1] + x2.x * lo[2] + x3.x * lo[3];
    lo1 += x0.y * lo[0] + x1.y * lo[1] + x2.y * lo[2] + x3.y * lo[3];
    lo2 += x0.z * lo[0] + x1.z * lo[1] + x2.z * lo[2] + x3.z * lo[3];
    lo3 += x0.w * lo[0] + x1.w * lo[1] + x2.w * lo[2] + x3.w * lo[3];
    hi0 += x0.x * hi[0] + x1.x * hi[1] + x2.x * hi[2] + x3.x * hi[3];
    hi1 += x0.y * hi[0] + x1.y * hi[1] + x2.y * hi[2] + x3.y * hi[3];
    hi2 += x0.z * hi[0] + x1.z * hi[1] + x2.z * hi[2] + x3.z * hi[3];
    hi3 += x0.w * hi[0] + x1.w * hi[1] + x2.w * hi[2] + x3.w * hi[3];
  }
  if (chunk < params.chunks) {
    store_partial(chunk, quad, columns.x, lo0, hi0);
    store_partial(chunk, quad, columns.y, lo1, hi1);
    store_partial(chunk, quad, columns.z, lo2, hi2);
    store_partial(chunk, quad, columns.w, lo3, hi3);
  }
}

/// Stores eight ranks of a column of one chunk's gradient.
fn store_partial(chunk: u32, quad: u32, c: u32, lo: vec4<f32>, hi: vec4<f32>) {
  if (c >= params.cols) {
    return;
  }
  let base = chunk * params.rank * params.cols + c * params.stride_wide;
  store_rank(base, 4u * quad, lo.x);
  store_rank(base, 4u * quad + 1u, lo.y);
  store_rank(base, 4u * quad + 2u, lo.z);
  store_rank(base, 4u * quad + 3u, lo.w);
  store_rank(base, 4u * quad + 4u, hi.x);
  store_rank(base, 4u * quad + 5u, hi.y);
  store_rank(base, 4u * quad + 6u, hi.z);
  store_rank(base, 4u * quad + 7u, hi.w);
}

fn store_rank(base: u32, rank: u32, value: f32) {
  if (rank < params.rank) {
    partial[base + rank * params.stride_rank] = value;
  }
}

@compute @workgroup_size(64)
fn collect(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let at = (workgroup.x + params.group_offset.x) * 64u + local;
  let size = params.rank * params.cols;
  if (at >= size) {
    return;
  }
  var sum = 0.0;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    sum += partial[chunk * size + at];
  }
  total[at] += params.scale * sum;
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
