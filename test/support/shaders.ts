import type { KernelSpec } from '../../src/gpu/pipelines.ts'

/** Small kernels for tests of the GPU room itself. */
const SOURCE = `// y = x * factor + shift; one workgroup does 64 elements.
struct Params {
  group_offset: vec3<u32>,
  n: u32,
  factor: f32,
  shift: i32,
}
override STEPS: u32 = 1u;

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn scale(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + params.group_offset.x) * 64u + local;
  if (i < params.n) {
    y[i] = x[i] * params.factor + f32(params.shift);
  }
}

// y(row, column) = x(row, column) after STEPS rounds of a map that keeps every bit of history; groups are (column, row, layer).
@compute @workgroup_size(8)
fn churn(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let i = ((group.z * 5u + group.y) * 7u + group.x) * 8u + local;
  if (i < params.n) {
    var value = x[i];
    for (var step = 0u; step < STEPS; step++) {
      value = 3.7 * value * (1.0 - value);
    }
    y[i] = value;
  }
}
`

export const SCALE: KernelSpec = {
  label: 'test.scale',
  shader: { path: 'shaders/test.wgsl', source: SOURCE },
  entryPoint: 'scale',
}

/** Takes a grid of 7 x 5 x any groups. */
export const CHURN: KernelSpec = { ...SCALE, label: 'test.churn', entryPoint: 'churn' }

/** The cost of a dispatch so small that it is never split. */
export const CHEAP = { flops: 1, bytes: 1 }
