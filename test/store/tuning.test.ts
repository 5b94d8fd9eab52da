import { expect, test } from 'vitest'
import { Autotuner, type Candidate } from '../../src/gpu/autotune.ts'
import { createMatmul } from '../../src/kernels/matmul.ts'
import { StoredTuning } from '../../src/store/tuning.ts'
import { testGpu } from '../support/gpu.ts'

const name = `tuning-test-${performance.timeOrigin}`

test('a choice made on one visit is found on the next, without measuring', async () => {
  const gpu = await testGpu()
  let prepared = 0
  const candidates = ['slow', 'quick'].map(
    (candidate): Candidate => ({
      name: candidate,
      prepare: async () => {
        prepared++
        return () => undefined
      },
    }),
  )
  const first = await new Autotuner(gpu, new StoredTuning(name)).choose('question', candidates)
  expect(prepared).toBe(2)
  const next = new Autotuner(gpu, new StoredTuning(name))
  expect(await next.choose('question', candidates)).toBe(first)
  expect(prepared).toBe(2)
  expect(next.record).toEqual({ question: first })
})

test('the matrix product’s designs are chosen once for an adapter', async () => {
  const gpu = await testGpu()
  const store = new StoredTuning(name)
  const tuned = await createMatmul(gpu, { tuner: new Autotuner(gpu, store) })
  const again = new Autotuner(gpu, store)
  const before = gpu.stream.counters.dispatches
  const found = await createMatmul(gpu, { tuner: again })
  expect(gpu.stream.counters.dispatches).toBe(before)
  expect(found.tuning).toEqual(tuned.tuning)
  expect(Object.keys(again.record).length).toBeGreaterThan(0)
})
