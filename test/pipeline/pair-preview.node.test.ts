import { expect, test } from 'vitest'
import { PairPreviews } from '../../src/pipeline/pair-preview.ts'
import type { Store } from '../../src/store/store.ts'
import { scored } from '../support/candidates.ts'

test('scores that could not be read are read again, and those that were are held', async () => {
  let reads = 0
  let isDone = false
  const units = {
    done: async () => {
      reads++
      return isDone
        ? { summary: { summary: { scored: 2, pastContext: 0, empty: 0 }, seconds: 1 } }
        : undefined
    },
    async *units() {
      const candidates = [scored(30), scored(10, { candidate: 1, text: 'A cat on a beach.' })]
      yield ['0', { candidates, imageText: {} }]
    },
  }
  const previews = new PairPreviews({ stage: () => units } as unknown as Store)
  const preview = async () => await previews.preview('h', { minGap: 2 })
  await expect(preview()).rejects.toThrow(/expected all candidates to be scored first/)
  isDone = true
  expect(await preview()).toMatchObject({ candidates: 2, pairs: 1 })
  await preview()
  expect(reads).toBe(2)
})
