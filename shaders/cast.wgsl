// f32 to f16 and back; f16 lies two to a u32, the lower element in the low half.
//   pack    packed[i] = f16(x[2i]) | f16(x[2i + 1]) << 16;  the half past an odd size is 0    assigned
//   unpack  y[2i], y[2i + 1] = the two halves of packed[i], exactly                           assigned
// x, y: (size); packed: (ceil(size / 2)).
// f16() rounds to the nearest number, ties to the even one (common/half.wgsl).
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

@compute @workgroup_size(FLAT_WORKGROUP)
fn pack(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, (params.size + 1u) / 2u);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let pair = x[i];
    packed[i] = half_bits(pair.x) | select(0u, half_bits(pair.y) << 16u, 2u * i + 1u < params.size);
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn unpack(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, (params.size + 1u) / 2u);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    y[2u * i] = half_value(words[i] & 0xffffu);
    if (2u * i + 1u < params.size) {
      y[2u * i + 1u] = half_value(words[i] >> 16u);
    }
  }
}
