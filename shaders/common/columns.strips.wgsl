// Sums over rows: a workgroup does COLUMN_LANES elements' columns, cut into COLUMN_STRIPS strips of rows.
// Strip s adds rows s, s + COLUMN_STRIPS, ... in order; then the strips are added in order.
// So the order depends on nothing but the number of rows. Needs element.*.wgsl before it.
// The names are those of columns.serial.wgsl; a shader written against them runs with either file in front.

const COLUMN_LANES: u32 = 16u;
const COLUMN_STRIPS: u32 = 16u;
const COLUMN_WORKGROUP: u32 = COLUMN_LANES * COLUMN_STRIPS;

var<workgroup> column_scratch: array<element, COLUMN_WORKGROUP>;

/// The column's total over all strips, in the invocations of strip 0. For workgroup-uniform control flow.
fn column_total(value: element, local_index: u32) -> element {
  workgroupBarrier();
  column_scratch[local_index] = value;
  workgroupBarrier();
  var total = element();
  if (local_index < COLUMN_LANES) {
    for (var at = local_index; at < COLUMN_WORKGROUP; at += COLUMN_LANES) {
      total += column_scratch[at];
    }
  }
  return total;
}
