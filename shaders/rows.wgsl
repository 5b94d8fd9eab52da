// Rows of a matrix moved by index. index, order: whole numbers from 0; a row is cols numbers.
//   gather       y[i] = x[index[i]], a row of zeros where index[i] is no row of x     assigned
//   splice       y[i] = x[index[i]], row i left as it is where index[i] is no row of x
//   scatter      y[index[i]] = x[i] for an index without repeats; an index past y is skipped
//   scatter_add  y[d] += sum over k = offsets[d] .. offsets[d + 1] - 1 of x[order[k]]  accumulated
// gather and scatter_add are each other's gradient; so are scatter and gather, for an index without repeats.
// scatter_add adds in the order of k, so its sums repeat bit for bit.
// Numbers are read by the element (common/element.*.wgsl): four at a time where cols is a multiple of 4.
//
// An invocation does a few elements (common/flat.wgsl).

struct Params {
  group_offset: vec3<u32>,
  rows_in: u32,
  rows_out: u32,
  cols: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>; // (rows_in, cols)
@group(0) @binding(1) var<storage, read> index: array<u32>; // gather, splice: (rows_out); scatter: (rows_in)
@group(0) @binding(2) var<storage, read> offsets: array<u32>; // (rows_out + 1)
@group(0) @binding(3) var<storage, read> order: array<u32>; // (entries)
@group(0) @binding(4) var<storage, read_write> y: array<element>; // (rows_out, cols)

@compute @workgroup_size(FLAT_WORKGROUP)
fn gather(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows_out * elements);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let row = i / elements;
    let from_row = index[row];
    var value = element();
    if (from_row < params.rows_in) {
      value = x[from_row * elements + (i - row * elements)];
    }
    y[i] = value;
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn splice(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows_out * elements);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let row = i / elements;
    let from_row = index[row];
    if (from_row < params.rows_in) {
      y[i] = x[from_row * elements + (i - row * elements)];
    }
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn scatter(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows_in * elements);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let row = i / elements;
    let to_row = index[row];
    if (to_row < params.rows_out) {
      y[to_row * elements + (i - row * elements)] = x[i];
    }
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn scatter_add(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let elements = params.cols / ELEMENT_WIDTH;
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.rows_out * elements);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let row = i / elements;
    var sum = element();
    for (var k = offsets[row]; k < offsets[row + 1u]; k++) {
      sum += x[order[k] * elements + (i - row * elements)];
    }
    y[i] += sum;
  }
}
