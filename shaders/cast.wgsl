// f32 to f16 and back; f16 lies two to a u32, the lower element in the low half.
//   pack    packed[i] = f16(x[2i]) | f16(x[2i + 1]) << 16;  the half past an odd size is 0    assigned
//   unpack  y[2i], y[2i + 1] = the two halves of packed[i], exactly                           assigned
// x, y: (size); packed: (ceil(size / 2)).
// f16() rounds to the nearest number, ties to the even one, in whole numbers: WGSL leaves pack2x16float's rounding
// open. Past +-65504, f16's largest, it gives +-65504; NaN is not kept.
// Halves are decoded by hand too: unpack2x16float may take numbers below f16's normal range for zero.
//
// An invocation does a few words (common/flat.wgsl).

struct Params {
  group_offset: vec3<u32>,
  size: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> packed: array<u32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

/// The bits of two numbers as f16s, each in the low half of its component.
fn f16_bits(value: vec2<f32>) -> vec2<u32> {
  let bits = bitcast<vec2<u32>>(value);
  let sign = (bits >> vec2(16u)) & vec2(0x8000u);
  let size = bits & vec2(0x7fffffffu);
  // 13 bits of the mantissa go. Half of their span, less one where the last bit kept is even, carries when it should.
  let normal = (size - vec2(0x38000000u) + vec2(0xfffu) + ((size >> vec2(13u)) & vec2(1u))) >> vec2(13u);
  // Below 2^-14 f16 counts in steps of 2^-24: the mantissa, with its leading 1, shifted to that step.
  let exponent = size >> vec2(23u);
  let shift = min(vec2(126u) - min(exponent, vec2(112u)), vec2(25u));
  let mantissa = (size & vec2(0x7fffffu)) | vec2(0x800000u);
  let half_step = (vec2(1u) << (shift - vec2(1u))) - vec2(1u);
  let subnormal = (mantissa + half_step + ((mantissa >> shift) & vec2(1u))) >> shift;
  let rounded = select(min(normal, vec2(0x7bffu)), subnormal, size < vec2(0x38800000u));
  return rounded | sign;
}

/// The numbers of f16s in the low halves.
fn f16_values(halves: vec2<u32>) -> vec2<f32> {
  let size = halves & vec2(0x7fffu);
  let normal = bitcast<vec2<f32>>((size << vec2(13u)) + vec2(0x38000000u));
  let subnormal = vec2<f32>(size) * 5.9604644775390625e-8; // 2^-24
  let magnitude = select(normal, subnormal, size < vec2(0x400u));
  return select(magnitude, -magnitude, (halves & vec2(0x8000u)) != vec2(0u));
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn pack(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, (params.size + 1u) / 2u);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let halves = f16_bits(x[i]);
    packed[i] = halves.x | select(0u, halves.y << 16u, 2u * i + 1u < params.size);
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn unpack(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, (params.size + 1u) / 2u);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let values = f16_values(vec2(words[i] & 0xffffu, words[i] >> 16u));
    y[2u * i] = values.x;
    if (2u * i + 1u < params.size) {
      y[2u * i + 1u] = values.y;
    }
  }
}
