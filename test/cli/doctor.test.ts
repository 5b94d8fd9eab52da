import { expect, test } from 'vitest'
import { describeDiagnosis } from '../../src/cli/doctor.ts'
import type { Diagnosis } from '../../src/gpu/doctor.ts'

const FOUND: Diagnosis = {
  verdict: { level: 'slow', headline: 'WebGPU works, in software.', notes: ['Slow.', 'Not persistent.'] },
  gpu: 'software',
  adapter: {
    vendor: 'google',
    architecture: 'swiftshader',
    description: '',
    isSoftware: true,
    features: { subgroups: true, 'timestamp-query': false },
    subgroupSize: { min: 4, max: 4 },
    fingerprint: 'google|swiftshader',
  },
  crossOriginIsolated: true,
  secureContext: true,
  storage: { quotaBytes: 0, usedBytes: 0, persisted: false },
  cpuThreads: 2,
  userAgent: 'test',
}

test('a diagnosis reads as a headline, the adapter as far as it tells its name, and a note a line', () => {
  expect(describeDiagnosis(FOUND)).toBe(
    'WebGPU works, in software.\nAdapter: google, swiftshader\n- Slow.\n- Not persistent.',
  )
})

test('without an adapter the headline and notes stand alone', () => {
  const { adapter: _, ...rest } = FOUND
  expect(describeDiagnosis({ ...rest, gpu: 'missing' })).toBe(
    'WebGPU works, in software.\n- Slow.\n- Not persistent.',
  )
})
