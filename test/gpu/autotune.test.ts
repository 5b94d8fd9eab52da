import { expect, test } from 'vitest'
import { Autotuner, MemoryTuningStore } from '../../src/gpu/autotune.ts'
import { createMatmul } from '../../src/kernels/matmul.ts'
import { testGpu } from '../support/gpu.ts'

function candidate(name: string, durationMs: number, prepared: string[]) {
  return {
    name,
    prepare: async () => {
      prepared.push(name)
      return () => {
        const until = performance.now() + durationMs
        while (performance.now() < until);
      }
    },
  }
}

test('the fastest candidate is chosen, once', async () => {
  const gpu = await testGpu()
  const store = new MemoryTuningStore()
  const prepared: string[] = []
  const candidates = [candidate('slow', 30, prepared), candidate('fast', 0, prepared)]
  const first = new Autotuner(gpu, store)
  expect(await first.choose('op/f32/many', candidates)).toBe('fast')
  expect(await new Autotuner(gpu, store).choose('op/f32/many', candidates)).toBe('fast')
  expect(prepared).toEqual(['slow', 'fast'])
  expect(first.record).toEqual({ 'op/f32/many': 'fast' })
})

test('a choice among other candidates is made anew, and one candidate needs no trial', async () => {
  const gpu = await testGpu()
  const store = new MemoryTuningStore()
  const old = [candidate('a', 0, []), candidate('removed', 0, [])]
  await new Autotuner(gpu, store).choose('op', old)
  const tuner = new Autotuner(gpu, store)
  const prepared: string[] = []
  expect(await tuner.choose('op', [candidate('a', 20, prepared), candidate('b', 0, prepared)])).toBe('b')
  expect(await tuner.choose('only', [candidate('c', 0, prepared)])).toBe('c')
  expect(prepared).toEqual(['a', 'b'])
  await expect(tuner.choose('none', [])).rejects.toThrow('expected at least one candidate')
})

test('what gives other bits than the reference is not chosen, however fast it is', async () => {
  const gpu = await testGpu()
  const giving = (name: string, durationMs: number, word: number) => ({
    ...candidate(name, durationMs, []),
    read: async () => Uint32Array.of(1, word),
  })
  const reference = giving('reference', 50, 7)
  const store = new MemoryTuningStore()
  const choose = (...candidates: ReturnType<typeof giving>[]) =>
    new Autotuner(gpu, store).choose('op', candidates, reference)
  expect(await choose(giving('wrong', 0, 8), giving('slow', 30, 7), giving('quick', 5, 7))).toBe('quick')
  expect(await choose(giving('wrong', 0, 8))).toBe('reference')
  expect(await choose(giving('wrong', 0, 7))).toBe('reference') // as was found before
  expect(await choose(giving('right', 0, 7))).toBe('right')
  const unread = candidate('unread', 0, [])
  await expect(new Autotuner(gpu).choose('op', [unread], reference)).rejects.toThrow('unread: expected read')
})

test('matrix products are tuned by trial and say what was chosen', async () => {
  const gpu = await testGpu()
  const tuner = new Autotuner(gpu)
  const before = gpu.arena.stats.bytesInUse
  const { tuning } = await createMatmul(gpu, { tuner })
  expect(gpu.arena.stats.bytesInUse).toBe(before)
  expect(tuner.record['matmul.forward/f32.f16/many']).toBe(tuning.forward?.many)
  expect(Object.keys(tuner.record)).toHaveLength(8) // two layouts, four buckets
})
