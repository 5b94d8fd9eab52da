// Stores a weight in one of its formats (common/weight.*.wgsl) from f32, f16 or bf16 numbers.
//   int8, int4: groups of 32 along a row share one symmetric scale, Q = 127 or 7:
//     scale = max |w| / Q, rounded to the type scales are kept in;  q = w / scale to the nearest, ties to even, in -Q .. Q
//     so |w - q scale| <= scale / 2, and up to scale (1/2 + Q / 2048) for the largest where an f16 scale was rounded down.
//     A group whose scale rounds to zero becomes zeros.
//   f16: to the nearest, ties to even; past f16's range its largest number (common/half.wgsl).
// Elements past a row's end are written as zeros. source_at comes from common/source.*.wgsl.
//   source: (rows, cols), written to rows first_row .. first_row + rows of the weight.
//
// to_int: an invocation does two groups of 32, whose f16 scales share a word.
// to_f16: an invocation does 8 elements; to_f32: 4 elements of a padded row.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
  padded_cols: u32,
  first_row: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> words: array<u32>; // the weight's data
@group(0) @binding(2) var<storage, read_write> scales: array<u32>; // f32 bits, or f16 two to a word

const GROUP: u32 = 32u;

fn element(row: u32, col: u32) -> f32 {
  if (col >= params.cols) {
    return 0.0;
  }
  return source_at(row * params.cols + col);
}

/// Writes one group's elements and returns its scale's bits.
fn quantize_group(row: u32, first_col: u32, group: u32) -> u32 {
  var largest = 0.0;
  for (var i = 0u; i < GROUP; i++) {
    largest = max(largest, abs(element(row, first_col + i)));
  }
  var scale = largest / f32(Q);
  var scale_bits = bitcast<u32>(scale);
  if (SCALE_F16 == 1u) {
    scale_bits = half_bits(scale);
    scale = half_magnitude(scale_bits);
  }
  for (var w = 0u; w < BITS; w++) {
    var word = 0u;
    for (var e = 0u; e < 32u / BITS; e++) {
      let value = element(row, first_col + w * (32u / BITS) + e);
      var q = 0.0;
      if (scale > 0.0) {
        q = clamp(round(value / scale), -f32(Q), f32(Q));
      }
      word |= (bitcast<u32>(i32(q)) & ((1u << BITS) - 1u)) << (BITS * e);
    }
    words[group * BITS + w] = word;
  }
  return scale_bits;
}

@compute @workgroup_size(64)
fn to_int(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let groups_per_row = params.padded_cols / GROUP;
  let first = params.first_row * groups_per_row;
  let end = first + params.rows * groups_per_row;
  let pair = first / 2u + (workgroup.x + params.group_offset.x) * 64u + local;
  for (var i = 0u; i < 2u; i++) {
    let group = 2u * pair + i;
    if (group >= first && group < end) {
      let relative = group - first;
      let bits = quantize_group(relative / groups_per_row, relative % groups_per_row * GROUP, group);
      if (SCALE_F16 == 1u) {
        scales[pair] = (scales[pair] & (0xffff0000u >> (16u * i))) | (bits << (16u * i));
      } else {
        scales[group] = bits;
      }
    }
  }
}

@compute @workgroup_size(64)
fn to_f16(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let unit = (workgroup.x + params.group_offset.x) * 64u + local;
  let units_per_row = params.padded_cols / 8u;
  if (unit >= params.rows * units_per_row) {
    return;
  }
  let row = unit / units_per_row;
  let col = unit % units_per_row * 8u;
  for (var w = 0u; w < 4u; w++) {
    let low = half_bits(element(row, col + 2u * w));
    let high = half_bits(element(row, col + 2u * w + 1u));
    words[(params.first_row * units_per_row + unit) * 4u + w] = low | (high << 16u);
  }
}

@compute @workgroup_size(64)
fn to_f32(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let unit = (workgroup.x + params.group_offset.x) * 64u + local;
  let units_per_row = params.padded_cols / 4u;
  if (unit >= params.rows * units_per_row) {
    return;
  }
  let row = unit / units_per_row;
  let col = unit % units_per_row * 4u;
  for (var i = 0u; i < 4u; i++) {
    words[(params.first_row * units_per_row + unit) * 4u + i] = bitcast<u32>(element(row, col + i));
  }
}
