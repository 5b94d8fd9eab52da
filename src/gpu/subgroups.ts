import quad from '../../shaders/common/quad.subgroup.wgsl?raw'
import team from '../../shaders/common/team.subgroup.wgsl?raw'
import probe from '../../shaders/gpu/subgroups.wgsl?raw'

/** As in `common/team.subgroup.wgsl`. */
const WORKGROUP = 64
/** Enough that a GPU spreads them over several cores. */
const GROUPS = 16
/** What the probe writes of an invocation, in order. */
const FIELDS = [
  'subgroup size',
  'lane',
  'least member of its subgroup',
  'greatest member of its subgroup',
  'lane in its quad',
  'neighbour along x',
  'neighbour along y',
  'neighbour on the diagonal',
  'first of its quad',
  'second of its quad',
  'third of its quad',
  'fourth of its quad',
] as const

/**
 * Looks how a device lays subgroups into a workgroup, by running one small kernel.
 * @returns why kernels may not use subgroups here, in plain words; undefined when they may. Rejects never: a device
 * that cannot run the probe has a reason too.
 */
export async function findSubgroupFault(device: GPUDevice): Promise<string | undefined> {
  try {
    return subgroupFault(await runProbe(device))
  } catch (error) {
    return `the probe of subgroups did not run: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * What in a probe's answer breaks the layout kernels assume: subgroups of 4, 8, 16, 32 or 64 (of a workgroup's 64
 * invocations) that are runs of neighbours in local_invocation_index, and quads that are runs of four.
 * @param seen (groups, 64, 12), as `shaders/gpu/subgroups.wgsl` writes it
 * @returns undefined when nothing does
 */
export function subgroupFault(seen: Uint32Array): string | undefined {
  const size = seen[0] ?? 0
  if (![4, 8, 16, 32, 64].includes(size)) {
    return `expected subgroups of 4, 8, 16, 32 or 64 of a workgroup's ${WORKGROUP} invocations, got ${size}`
  }
  for (let row = 0; row * FIELDS.length < seen.length; row++) {
    const i = row % WORKGROUP
    const expected = expectedOf(i, size)
    const at = expected.findIndex((value, field) => seen[row * FIELDS.length + field] !== value)
    if (at >= 0) {
      return `expected neighbours in one subgroup: invocation ${i} with ${FIELDS[at]} ${expected[at]}, got ${seen[row * FIELDS.length + at]}`
    }
  }
  return undefined
}

/** What invocation i should find in subgroups of `size`. */
function expectedOf(i: number, size: number): readonly number[] {
  const first = i - (i % size)
  const quadFirst = i - (i % 4)
  return [
    size,
    i % size,
    first,
    first + size - 1,
    i % 4,
    i ^ 1,
    i ^ 2,
    i ^ 3,
    quadFirst,
    quadFirst + 1,
    quadFirst + 2,
    quadFirst + 3,
  ]
}

async function runProbe(device: GPUDevice): Promise<Uint32Array<ArrayBuffer>> {
  const label = 'gpu.subgroups'
  const size = 4 * FIELDS.length * WORKGROUP * GROUPS
  device.pushErrorScope('validation')
  const module = device.createShaderModule({
    label,
    code: ['enable subgroups;', team, quad, probe].join('\n'),
  })
  const invalid = await device.popErrorScope()
  if (invalid) throw new Error(invalid.message)
  const pipeline = await device.createComputePipelineAsync({ label, layout: 'auto', compute: { module } })
  const seen = device.createBuffer({ label: `${label}.seen`, size, usage: 0x80 | 0x04 }) // STORAGE | COPY_SRC
  const staging = device.createBuffer({ label: `${label}.staging`, size, usage: 0x01 | 0x08 }) // MAP_READ | COPY_DST
  const encoder = device.createCommandEncoder({ label })
  const pass = encoder.beginComputePass({ label })
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    device.createBindGroup({
      label,
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: seen } }],
    }),
  )
  pass.dispatchWorkgroups(GROUPS)
  pass.end()
  encoder.copyBufferToBuffer(seen, 0, staging, 0, size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(0x01)
  const words = new Uint32Array(staging.getMappedRange().slice(0))
  seen.destroy()
  staging.destroy()
  return words
}
