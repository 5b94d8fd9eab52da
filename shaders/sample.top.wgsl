// The likeliest tokens of each row of logits, with their log-probabilities under softmax(logits):
// the row's first top_count in the order (logit descending, id ascending). A workgroup of GROUP invocations does one row.

struct Params {
  group_offset: vec3<u32>,
  vocab: u32,
  top_count: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> top_ids: array<u32>; // (rows, top_count)
@group(0) @binding(2) var<storage, read_write> top_logprobs: array<f32>; // (rows, top_count)

@compute @workgroup_size(GROUP)
fn top(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x + params.group_offset.x;
  let base = row * params.vocab;
  var own = own_next(base, Place(NONE, 0u), local);
  var next = group_first(own, local);
  let normaliser = log_sum_exp(base, score_of(next.level), local);
  for (var i = 0u; i < params.top_count; i++) {
    if (local == 0u) {
      top_ids[row * params.top_count + i] = next.id;
      top_logprobs[row * params.top_count + i] = score_of(next.level) - normaliser;
    }
    if (next.id % GROUP == local) { // only the invocation whose token was taken has another first one
      own = own_next(base, next, local);
    }
    next = group_first(own, local);
  }
}

/// The first place after `last` among this invocation's tokens.
fn own_next(base: u32, last: Place, local: u32) -> Place {
  var first = Place(0u, NONE);
  for (var id = local; id < params.vocab; id += GROUP) {
    let place = Place(level_of(logit(base, id)), id);
    if (is_before(last, place)) {
      first = first_of(first, place);
    }
  }
  return first;
}
