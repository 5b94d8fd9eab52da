import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { releaseProxy } from 'comlink'
import { describe, expect, test } from 'vitest'
import { guarded, WorkerError } from '../../src/pipeline/client.ts'

/** What `guarded` sees of a worker, to be broken at will. */
function fakeWorker() {
  let onError: (event: { message: string }) => void = () => {}
  const worker = {
    addEventListener: (_: string, listener: never) => {
      onError = listener
    },
    terminate: () => {},
  } as unknown as Worker
  const client = guarded(worker, { [releaseProxy]: () => {} })
  return { ...client, breakDown: () => onError({ message: 'oh' }) }
}

const namedError = (name: string): Error => Object.assign(new Error(name), { name })

test('a call’s result is let go when its caller has let it go', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { guard, breakDown } = fakeWorker()
  const refs: WeakRef<Uint8Array>[] = []
  const ask = async (): Promise<void> => {
    refs.push(new WeakRef(await guard(Promise.resolve(new Uint8Array(4e5)))))
  }
  for (let i = 0; i < 50; i++) await ask()
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise((resolve) => {
      setTimeout(resolve, 0)
    })
  }
  expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5)
  const last = guard(new Promise<never>(() => {}))
  breakDown()
  await expect(last).rejects.toBeInstanceOf(WorkerError)
})

describe('a worker that breaks down', () => {
  test('ends all calls under way and every later one, and is to be replaced', async () => {
    const { guard, needs, breakDown } = fakeWorker()
    const calls = [1, 2].map(() => guard(new Promise<never>(() => {})))
    expect(needs()).toBe('nothing')
    breakDown()
    for (const call of calls) await expect(call).rejects.toThrow('a worker broke down: oh')
    await expect(guard(Promise.resolve(1))).rejects.toThrow('a worker broke down: oh')
    expect(needs()).toBe('client')
  })

  test.each(['DeviceLostError', 'KernelError'])('by a %s is to be loaded again', async (name) => {
    const { guard, needs } = fakeWorker()
    await expect(guard(Promise.reject(namedError(name)))).rejects.toThrow(name)
    expect(needs()).toBe('load')
    await guard(Promise.resolve())
    await expect(guard(Promise.reject(namedError('SourceError')), { revives: true })).rejects.toThrow()
    expect(needs()).toBe('load')
    await guard(Promise.resolve(), { revives: true })
    expect(needs()).toBe('nothing')
  })

  test('not by what else can go wrong', async () => {
    const { guard, needs } = fakeWorker()
    await expect(guard(Promise.reject(namedError('PromptError')))).rejects.toThrow()
    expect(needs()).toBe('nothing')
  })
})
