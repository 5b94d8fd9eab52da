import { afterEach, describe, expect, test, vi } from 'vitest'
import { diagnose } from '../../src/gpu/doctor.ts'
import { Gpu } from '../../src/gpu/gpu.ts'
import { createReduce } from '../../src/kernels/reduce.ts'
import { detailRows } from '../../src/ui/doctor-rows.ts'

const opened: Gpu[] = []
async function open(options: Parameters<typeof Gpu.open>[0] = {}): Promise<Gpu> {
  const gpu = await Gpu.open(options)
  opened.push(gpu)
  return gpu
}

afterEach(() => {
  vi.restoreAllMocks()
  for (const gpu of opened.splice(0)) gpu.close()
})

/** Changes the probe's code on its way to the device, and counts probes. */
function tamper(change: (code: string) => string): { probes: number } {
  const create = GPUDevice.prototype.createShaderModule
  const seen = { probes: 0 }
  vi.spyOn(GPUDevice.prototype, 'createShaderModule').mockImplementation(function (
    this: GPUDevice,
    descriptor,
  ) {
    if (descriptor.label !== 'gpu.subgroups') return create.call(this, descriptor)
    seen.probes += 1
    return create.call(this, { ...descriptor, code: change(descriptor.code) })
  })
  return seen
}

/** As on a driver whose lanes go down the columns of a 4 x 16 tile: every fourth invocation shares a subgroup. */
function interleave(code: string): string {
  const changed = code
    .replace('@builtin(local_invocation_index) local: u32', '@builtin(local_invocation_index) place: u32')
    .replace(/(subgroup_invocation: u32,\s*\) \{)/, '$1\n  let local = (place % 16u) * 4u + place / 16u;')
  expect(changed).toContain('let local =')
  return changed
}

test("this adapter's subgroups are probed once and found as kernels assume them", async () => {
  const seen = tamper((code) => code)
  const gpu = await open()
  expect(seen.probes).toBe(1)
  expect(gpu.profile.features.subgroups).toBe(true)
  expect(gpu.profile.subgroupFault).toBeUndefined()
  expect(gpu.arena.stats).toEqual({ bytesInUse: 0, bytesReserved: 0, peakBytes: 0 })
})

test('a device asked to do without subgroups is not probed', async () => {
  const seen = tamper((code) => code)
  const gpu = await open({ without: ['subgroups'] })
  expect(seen.probes).toBe(0)
  expect(gpu.profile.subgroupFault).toBeUndefined()
})

describe.each<[string, (code: string) => string, RegExp]>([
  ['lie otherwise', interleave, /^expected neighbours in one subgroup: invocation \d+ with .+ \d+, got \d+$/],
  [
    'cannot be probed',
    (code) => code.replace('fn probe', 'fn probe probe'),
    /^the probe of subgroups did not run: .*expected/s,
  ],
])('where subgroups %s', (_, change, reason) => {
  test('the device opens without them, says why, and kernels run by the other path', async () => {
    tamper(change)
    const gpu = await open({ without: ['timestamp-query'] })
    expect(gpu.profile.features).toEqual({ subgroups: false, 'timestamp-query': false })
    expect(gpu.profile.subgroupSize).toEqual({ min: 0, max: 0 })
    expect(gpu.profile.subgroupFault).toMatch(reason)
    expect(gpu.profile.fingerprint).not.toContain('subgroups')
    const reduce = await createReduce(gpu)
    const x = gpu.upload(
      Float32Array.from({ length: 200 }, (_, i) => i),
      [2, 100],
      'x',
    )
    const y = gpu.tensor([2], 'y')
    reduce.rowSum({ x, y })
    expect([...(await gpu.readF32(y))]).toEqual([4950, 14950])
  })

  test('the doctor says so', async () => {
    tamper(change)
    const diagnosis = await diagnose()
    const fault = diagnosis.adapter?.subgroupFault ?? ''
    expect(fault).toMatch(reason)
    expect(diagnosis.adapterFeatures).toContain('subgroups')
    expect(diagnosis.verdict.notes.join('\n')).toContain(
      `Subgroup operations are left off: this driver lays them out in a way the kernels do not know (${fault})`,
    )
    expect(detailRows(diagnosis)).toContainEqual({ name: 'Subgroups', value: `no: ${fault}` })
  })
})
