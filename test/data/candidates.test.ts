import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byImage } from '../../src/data/by-image.ts'
import { readCandidates, readScored } from '../../src/data/candidates.ts'
import { candidate, scored } from '../support/candidates.ts'
import { all } from '../support/datasets.ts'

const rows = (...list: unknown[]) => ({ name: 'rows', rows: list })

describe('lines of captions and scores', () => {
  test('come back as they were written, other columns aside', async () => {
    const own = candidate({ context: 'A dog.', count: 2, text: '', statement: 'x', correct: true })
    expect(await all(readCandidates(rows({ ...own, more: 1 })))).toEqual([own])
    const judged = { ...scored(20, { scores: { clip: 20 }, phrases: [], rank: 0 }), imageText: -1 }
    expect(await all(readScored(rows(judged)))).toEqual([judged])
  })

  test('of `generate` number their prompts', async () => {
    const [read] = await all(readCandidates(rows({ ...candidate(), promptId: 0 })))
    expect(read?.promptId).toBe('p0')
  })

  test.each([
    [{ imageHash: 'x' }, 'row 0: imageHash: expected 64 hexadecimal digits'],
    [{ text: undefined }, 'row 0: text: expected'],
    [{ finishReason: 'long' }, 'row 0: finishReason: expected'],
  ])('are refused with %j', async (wrong, message) => {
    await expect(all(readCandidates(rows({ ...candidate(), ...wrong })))).rejects.toThrow(message)
  })

  test('scores without the one that decides are refused, texts without any are not', async () => {
    const undecided = { ...candidate(), scores: { clip: 20 } }
    await expect(all(readScored(rows(undecided)))).rejects.toThrow('expected a score')
    expect(await all(readScored(rows({ ...candidate(), scores: {} })))).toHaveLength(1)
  })
})

test('rows are grouped by image in the order of first appearance, wherever they lie', async () => {
  const list = fc.array(fc.record({ imageHash: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.nat() }))
  await fc.assert(
    fc.asyncProperty(list, async (rows) => {
      const groups = await all(
        byImage(async function* () {
          yield* rows
        }),
      )
      const order = [...new Set(rows.map(({ imageHash }) => imageHash))]
      expect(groups).toEqual(order.map((hash) => rows.filter(({ imageHash }) => imageHash === hash)))
    }),
  )
})
