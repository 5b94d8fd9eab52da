// Work on a flat run of elements: an invocation does FLAT_PER_INVOCATION of them, FLAT_WORKGROUP apart, so that
// neighbouring invocations touch neighbouring elements:
//   let first = flat_first(group, local);
//   for (var i = first; i < flat_end(first, count); i += FLAT_WORKGROUP) { ... }

const FLAT_WORKGROUP: u32 = 256u;
const FLAT_PER_INVOCATION: u32 = 4u;

/// The first element of an invocation.
fn flat_first(group: u32, local_index: u32) -> u32 {
  return group * FLAT_WORKGROUP * FLAT_PER_INVOCATION + local_index;
}

/// One past the last element of an invocation, of `count` in all.
fn flat_end(first: u32, count: u32) -> u32 {
  return min(first + FLAT_WORKGROUP * FLAT_PER_INVOCATION, count);
}
