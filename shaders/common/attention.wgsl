// What all designs of attention share: parameters, buffers, and how rows are counted.
// The query rows of all heads that share a key head are taken as one list, heads innermost: "virtual row" token * group_size + head.
//
// In every design blocks of keys begin where a row's own interval begins, and sums run in the order of the rows with exact
// zeros for masked ones, so that a row's result does not depend on which other rows are in the batch.

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

const CHUNKS: u32 = HEAD_DIM / 4u;
const NONE: u32 = 0xffffffffu;
/// A masked score, and the running maximum before the first score: exp(MASKED - FLOOR) is zero.
const MASKED: f32 = -1e30;
const FLOOR: f32 = -1e29;

fn group_size() -> u32 {
  return params.num_heads / params.num_kv_heads;
}
