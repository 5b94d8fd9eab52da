// Sums over rows: a workgroup does COLUMN_LANES elements' columns, one invocation a column, adding rows in order.
// For adapters that compute on the CPU, where a barrier costs more than the sum. Needs element.*.wgsl before it.
// The names are those of columns.strips.wgsl; a shader written against them runs with either file in front.

const COLUMN_LANES: u32 = 16u;
const COLUMN_STRIPS: u32 = 1u;
const COLUMN_WORKGROUP: u32 = COLUMN_LANES;

/// The column's total.
fn column_total(value: element, local_index: u32) -> element {
  return value;
}
