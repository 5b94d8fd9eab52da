// The sets of tokens a repetition penalty has seen: seen |= tokens, row by row.
// Ids past the vocabulary (padding) are passed over. A workgroup does one row.

struct Params {
  group_offset: vec3<u32>,
  vocab: u32,
  tokens_per_row: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> tokens: array<u32>; // (rows, tokens_per_row)
@group(0) @binding(1) var<storage, read_write> seen_bits: array<atomic<u32>>; // (rows, ceil(vocab / 32)), bit id % 32 of word id / 32

@compute @workgroup_size(64)
fn mark_seen(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x + params.group_offset.x;
  for (var i = local; i < params.tokens_per_row; i += 64u) {
    let id = tokens[row * params.tokens_per_row + i];
    if (id < params.vocab) {
      atomicOr(&seen_bits[row * ((params.vocab + 31u) / 32u) + id / 32u], 1u << (id % 32u));
    }
  }
}
