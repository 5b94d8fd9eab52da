// Gradients of LoRA's A and B: the product of a wide and a thin matrix over all rows (common/lora.wgsl).
//
// outer    partial[chunk] = dropout(wide)^T thin           assigned     summed by `collect` into dA, dB
//          a workgroup does 64 columns x 8 ranks x 4 chunks of rows, an invocation 4 columns x 8 ranks.
// collect  total += scale * sum over chunks of partial     accumulated, chunks in order

@group(0) @binding(5) var<storage, read_write> partial: array<f32>; // (chunks, A's or B's shape)
@group(0) @binding(6) var<storage, read_write> total: array<f32>; // A's or B's shape

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
