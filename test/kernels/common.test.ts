import { expect, test } from 'vitest'
import { quadSpec, teamSpec } from '../../src/kernels/common.ts'
import { testGpu } from '../support/gpu.ts'

const WORKGROUP = 64

const source = `
struct Params { group_offset: vec3<u32>, value: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> seen: array<vec4<u32>>; // (64)
@group(0) @binding(1) var<storage, read_write> columns: array<vec4<f32>>; // (64)
@compute @workgroup_size(${WORKGROUP})
fn look(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let base = workgroup.x + params.group_offset.x + params.value;
  seen[base + local] = vec4(team_size(), team_lane(local), team_id(local), quad_lane(local));
  let shared_columns = quad_columns(vec4(f32(local)));
  columns[base + local] = vec4(shared_columns[0].x, shared_columns[1].x, shared_columns[2].x, shared_columns[3].x);
}`

test.each([true, false])('teams and quads are runs of neighbours, subgroups: %s', async (subgroups) => {
  const gpu = await testGpu()
  const [team, quad] = [teamSpec(gpu, { subgroups }), quadSpec(gpu, { subgroups })]
  const kernel = await gpu.kernel({
    label: 'common.look',
    shader: { path: 'test/kernels/common.test.ts', source },
    entryPoint: 'look',
    common: [...(team.common ?? []), ...(quad.common ?? [])],
    enable: team.enable ?? [],
  })
  const seen = gpu.tensor([WORKGROUP, 4], 'seen', 'u32')
  const columns = gpu.tensor([WORKGROUP, 4], 'columns')
  kernel.dispatch({ seen, columns }, { value: 0 }, [1, 1, 1], { flops: 1, bytes: 1 })
  const [rows, shared] = [await gpu.readU32(seen), await gpu.readF32(columns)]
  const size = rows[0] ?? 0
  expect(WORKGROUP % size).toBe(0)
  if (subgroups) expect(size).toBeGreaterThanOrEqual(4)
  for (let i = 0; i < WORKGROUP; i++) {
    // WGSL leaves open which invocations form a subgroup: every kernel with teams or quads relies on this.
    expect([...rows.subarray(4 * i, 4 * i + 4)], `invocation ${i}`).toEqual([
      size,
      i % size,
      Math.floor(i / size),
      subgroups ? i % 4 : 0,
    ])
    const first = i - (i % 4)
    expect([...shared.subarray(4 * i, 4 * i + 4)]).toEqual(
      subgroups ? [first, first + 1, first + 2, first + 3] : [i, i, i, i],
    )
  }
  gpu.release(seen, columns)
})
