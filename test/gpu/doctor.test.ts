import { afterEach, expect, test, vi } from 'vitest'
import { diagnose } from '../../src/gpu/doctor.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('finds the adapter, its features and limits, and the storage of this browser', async () => {
  const diagnosis = await diagnose()
  expect(diagnosis.gpu).toBe(diagnosis.adapter?.isSoftware ? 'software' : 'hardware')
  expect(diagnosis.adapterFeatures).toContain('core-features-and-limits')
  expect(diagnosis.limits?.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(128 * 2 ** 20)
  expect(diagnosis.storage.quotaBytes).toBeGreaterThan(0)
  expect(diagnosis.verdict.level).not.toBe('blocked')
  expect(JSON.parse(JSON.stringify(diagnosis))).toEqual(diagnosis)
})

test('tells a browser without WebGPU, one without an adapter and one whose adapter gives no device', async () => {
  vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockRejectedValue(new TypeError('no'))
  expect(await diagnose()).toMatchObject({ gpu: 'refused', reason: expect.stringContaining('TypeError: no') })
  vi.spyOn(GPU.prototype, 'requestAdapter').mockResolvedValue(null)
  expect(await diagnose()).toMatchObject({ gpu: 'no-adapter', verdict: { level: 'blocked' } })
  vi.spyOn(Navigator.prototype, 'gpu', 'get').mockReturnValue(undefined as unknown as GPU)
  expect(await diagnose()).toMatchObject({ gpu: 'missing', verdict: { headline: 'WebGPU is missing.' } })
})
