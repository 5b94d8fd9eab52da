import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PolicySession } from '../../../src/workers/policy/session.ts'
import { goldenFolder } from '../../support/goldens.ts'
import { MODEL_FILES } from '../../support/policy.ts'

let devices: GPUDevice[]

/** Notes the devices a session opens. */
beforeEach(() => {
  devices = []
  const { requestDevice } = GPUAdapter.prototype
  vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockImplementation(async function (
    this: GPUAdapter,
    ...args
  ) {
    const device = await requestDevice.apply(this, args)
    devices.push(device)
    return device
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  for (const device of devices) device.destroy()
})

async function openSession() {
  const session = new PolicySession()
  const model = await goldenFolder('dpo-trainer/model', MODEL_FILES)
  const load = () => session.load(model)
  const answer = async () => {
    const requests = [{ images: [], prompt: '<s> is the dog' }]
    return (await session.generate({ requests, maxNewTokens: 4 })).map(({ text }) => text)
  }
  await load()
  return { session, load, answer }
}

describe('a session', () => {
  test('whose device is lost says so, and computes again once the model is loaded again', async () => {
    const { session, load, answer } = await openSession()
    const before = await answer()
    const lost = devices.at(-1)
    lost?.destroy()
    await lost?.lost
    await expect(answer()).rejects.toMatchObject({
      name: 'DeviceLostError',
      message: expect.stringContaining('load the model again'),
    })
    await load()
    expect(devices.at(-1)).not.toBe(lost)
    expect(await answer()).toEqual(before)
    expect((await session.memory()).bytesInUse).toBeGreaterThan(0)
  })

  test('whose device ran out of memory does as well, and lets the old device go', async () => {
    const { load, answer } = await openSession()
    const before = await answer()
    const full = devices.at(-1) as GPUDevice
    const error = new GPUOutOfMemoryError('too much')
    full.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error, cancelable: true }))
    await expect(answer()).rejects.toMatchObject({
      name: 'KernelError',
      message: expect.stringContaining('the GPU ran out of memory: too much. Load the model again'),
    })
    await load()
    expect(await answer()).toEqual(before)
    expect((await full.lost).reason).toBe('destroyed')
  })
})
