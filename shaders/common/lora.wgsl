// What the products of LoRA share: their parameters, dropout, and how factors and wide rows are read.
// Thin matrices (rows, r) are stored (rows, 4 rank_quads), their tails zero, so that ranks are read four at a time.
// A or B is read by strides: factor(j, c) = factor[j * stride_rank + c * stride_wide],  j < rank, c < cols.
// Only rows in [row_start, row_end) are read or written.
//
// Dropout is computed anew wherever it is needed, for eight rows at a time: element (row, c) is left out when half-word
// row % 8 of the generator at (row / 8, c, batch, module) under (seed, "lora") is below `dropped`; the halves are the
// four lower ones, then the four upper ones.

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
  batch: u32,
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

const LORA: u32 = 0x6c6f7261u;
const STEPS: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

fn random_words(octet: u32, c: u32) -> vec4<u32> {
  return philox4x32(vec4(octet, c, params.batch, params.module_id), vec2(params.seed, LORA));
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
