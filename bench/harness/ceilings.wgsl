// What this adapter can do at most, to compare kernels with.
//
// multiply_add, multiply_add_fused: every invocation runs 8 independent chains of vec4 multiply-adds that live in
//   registers, `iterations` times 4 steps each: 256 floating-point operations an iteration.
// copy: every invocation moves VECTORS_PER_INVOCATION vec4, neighbours next to each other.

struct Params {
  group_offset: vec3<u32>,
  iterations: u32,
  length: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;

const VECTORS_PER_INVOCATION: u32 = 16u;

@compute @workgroup_size(64)
fn multiply_add(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + params.group_offset.x) * 64u + local;
  let m = src[i & 63u];
  let a = src[(i + 1u) & 63u];
  var c0 = a;
  var c1 = a + 1.0;
  var c2 = a + 2.0;
  var c3 = a + 3.0;
  var c4 = a + 4.0;
  var c5 = a + 5.0;
  var c6 = a + 6.0;
  var c7 = a + 7.0;
  for (var n = 0u; n < params.iterations; n++) {
    c0 = c0 * m + a; c1 = c1 * m + a; c2 = c2 * m + a; c3 = c3 * m + a;
    c4 = c4 * m + a; c5 = c5 * m + a; c6 = c6 * m + a; c7 = c7 * m + a;
    c0 = c0 * m + a; c1 = c1 * m + a; c2 = c2 * m + a; c3 = c3 * m + a;
    c4 = c4 * m + a; c5 = c5 * m + a; c6 = c6 * m + a; c7 = c7 * m + a;
    c0 = c0 * m + a; c1 = c1 * m + a; c2 = c2 * m + a; c3 = c3 * m + a;
    c4 = c4 * m + a; c5 = c5 * m + a; c6 = c6 * m + a; c7 = c7 * m + a;
    c0 = c0 * m + a; c1 = c1 * m + a; c2 = c2 * m + a; c3 = c3 * m + a;
    c4 = c4 * m + a; c5 = c5 * m + a; c6 = c6 * m + a; c7 = c7 * m + a;
  }
  dst[i] = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
}

@compute @workgroup_size(64)
fn multiply_add_fused(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + params.group_offset.x) * 64u + local;
  let m = src[i & 63u];
  let a = src[(i + 1u) & 63u];
  var c0 = a;
  var c1 = a + 1.0;
  var c2 = a + 2.0;
  var c3 = a + 3.0;
  var c4 = a + 4.0;
  var c5 = a + 5.0;
  var c6 = a + 6.0;
  var c7 = a + 7.0;
  for (var n = 0u; n < params.iterations; n++) {
    c0 = fma(c0, m, a); c1 = fma(c1, m, a); c2 = fma(c2, m, a); c3 = fma(c3, m, a);
    c4 = fma(c4, m, a); c5 = fma(c5, m, a); c6 = fma(c6, m, a); c7 = fma(c7, m, a);
    c0 = fma(c0, m, a); c1 = fma(c1, m, a); c2 = fma(c2, m, a); c3 = fma(c3, m, a);
    c4 = fma(c4, m, a); c5 = fma(c5, m, a); c6 = fma(c6, m, a); c7 = fma(c7, m, a);
    c0 = fma(c0, m, a); c1 = fma(c1, m, a); c2 = fma(c2, m, a); c3 = fma(c3, m, a);
    c4 = fma(c4, m, a); c5 = fma(c5, m, a); c6 = fma(c6, m, a); c7 = fma(c7, m, a);
    c0 = fma(c0, m, a); c1 = fma(c1, m, a); c2 = fma(c2, m, a); c3 = fma(c3, m, a);
    c4 = fma(c4, m, a); c5 = fma(c5, m, a); c6 = fma(c6, m, a); c7 = fma(c7, m, a);
  }
  dst[i] = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
}

@compute @workgroup_size(64)
fn copy(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first = (workgroup.x + params.group_offset.x) * 64u * VECTORS_PER_INVOCATION + local;
  for (var n = 0u; n < VECTORS_PER_INVOCATION; n++) {
    let i = first + n * 64u;
    if (i < params.length) {
      dst[i] = src[i];
    }
  }
}
