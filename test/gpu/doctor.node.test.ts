import { describe, expect, test } from 'vitest'
import { type Findings, formatBytes, judge } from '../../src/gpu/doctor.ts'
import { detailRows } from '../../src/ui/doctor-rows.ts'

const GIB = 2 ** 30

const LAPTOP: Findings = {
  gpu: 'hardware',
  adapter: {
    vendor: 'apple',
    architecture: 'metal-3',
    description: '',
    isSoftware: false,
    features: { subgroups: true, 'timestamp-query': true },
    subgroupSize: { min: 4, max: 64 },
    fingerprint: 'apple|metal-3',
  },
  limits: {
    maxBufferSize: 4 * GIB,
    maxStorageBufferBindingSize: 4 * GIB - 4,
    maxStorageBuffersPerShaderStage: 10,
    maxComputeWorkgroupStorageSize: 32768,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  adapterFeatures: ['core-features-and-limits', 'shader-f16', 'subgroups', 'timestamp-query'],
  crossOriginIsolated: true,
  secureContext: true,
  storage: { quotaBytes: 100 * GIB, usedBytes: GIB, persisted: true },
  cpuThreads: 8,
  userAgent: 'test',
}

/** The laptop without a GPU, and why. */
function without(changes: Pick<Findings, 'gpu'> & Partial<Findings>): Findings {
  const { adapter: _, limits: __, ...rest } = LAPTOP
  return { ...rest, ...changes }
}

describe('judge', () => {
  test('has nothing to add where all is well', () => {
    expect(judge(LAPTOP)).toEqual({ level: 'ready', headline: 'WebGPU works, on a GPU.', notes: [] })
  })

  test('says what a software adapter means', () => {
    const verdict = judge({ ...LAPTOP, gpu: 'software' })
    expect(verdict.level).toBe('slow')
    expect(verdict.notes.join('\n')).toMatch(
      /about 100 times slower than a laptop GPU[\s\S]*ONNX models will run on WASM/,
    )
  })

  test.each<[string, Findings, RegExp]>([
    [
      'a browser without WebGPU',
      without({ gpu: 'missing' }),
      /no WebGPU, .* Chrome or Edge 113 .* Safari 26 .* Firefox 141/,
    ],
    [
      'an insecure page',
      without({ gpu: 'missing', secureContext: false }),
      /hidden because the page is not secure: open it over https/,
    ],
    [
      'no adapter',
      without({ gpu: 'no-adapter', reason: 'driver blocked' }),
      /no adapter for it: driver blocked/,
    ],
    ['a refused device', without({ gpu: 'refused', reason: 'out of luck' }), /gave no device: out of luck/],
  ])('is blocked by %s, and says which', (_, findings, message) => {
    const verdict = judge(findings)
    expect(verdict.level).toBe('blocked')
    expect(verdict.notes[0]).toMatch(message)
  })

  test.each<[string, Partial<Findings>, RegExp]>([
    ['isolation', { crossOriginIsolated: false }, /one thread.*Cross-Origin-Opener-Policy/],
    [
      'room',
      { storage: { quotaBytes: 2 * GIB, usedBytes: GIB, persisted: true } },
      /store 1 GiB more, less than the 4 GiB/,
    ],
    [
      'a promise to keep',
      { storage: { quotaBytes: 100 * GIB, usedBytes: 0, persisted: false } },
      /not persistent yet/,
    ],
  ])('notes the lack of %s, and is ready all the same', (_, changes, message) => {
    const verdict = judge({ ...LAPTOP, ...changes })
    expect(verdict.level).toBe('ready')
    expect(verdict.notes).toHaveLength(1)
    expect(verdict.notes[0]).toMatch(message)
  })

  test('notes what kernels have to do without', () => {
    const adapter = LAPTOP.adapter && {
      ...LAPTOP.adapter,
      features: { subgroups: false, 'timestamp-query': false },
    }
    const limits = LAPTOP.limits && { ...LAPTOP.limits, maxStorageBufferBindingSize: 64 * 2 ** 20 }
    const verdict = judge({ ...LAPTOP, ...(adapter && { adapter }), ...(limits && { limits }) })
    expect(verdict.notes.join('\n')).toMatch(/subgroup[\s\S]*largest tensor may have 64 MiB/)
  })
})

test('bytes read well', () => {
  expect([0, 32768, 128 * 2 ** 20, GIB, 10 * GIB, 1.5 * GIB].map(formatBytes)).toEqual([
    '0 KiB',
    '32 KiB',
    '128 MiB',
    '1 GiB',
    '10 GiB',
    '1.5 GiB',
  ])
})

test('the table has a row for each thing found, and the reason where there is no adapter', () => {
  const rows = (findings: Findings) =>
    Object.fromEntries(detailRows({ verdict: judge(findings), ...findings }).map((r) => [r.name, r.value]))
  expect(rows(LAPTOP)).toMatchObject({
    Adapter: 'apple metal-3',
    '16-bit arithmetic': 'offered; the kernels need none',
    Subgroups: 'yes, of 4 to 64',
    'Largest tensor': '4 GiB',
    Storage: '1 GiB of 100 GiB used, persistent',
  })
  expect(rows(without({ gpu: 'no-adapter', reason: 'driver blocked' }))).toMatchObject({
    WebGPU: 'driver blocked',
  })
})
