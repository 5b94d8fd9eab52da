import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Candidate } from '../../src/method/candidate.ts'
import { type CaptionOutput, captionStage } from '../../src/pipeline/stages/caption.ts'
import {
  captionSettings,
  POLICY,
  type Say,
  saying,
  type TestRun,
  testModels,
  testPictures,
  testRun,
} from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

async function write(caption: object, say: Say): Promise<{ output: CaptionOutput; candidates: Candidate[] }> {
  const models = testModels({
    generate: saying(say),
    renderPrompt: async (prompt, { context = '' } = {}) => `USER: ${prompt} ASSISTANT:${context}`,
    endOfAnswer: async () => '</s>',
  })
  const dataset = await testPictures(run, [{}, {}, {}])
  const inputs = { dataset, policy: POLICY, captioners: [], seed: 7, round: 1 }
  const output = await captionStage(run.context, models, captionSettings(caption), inputs)
  const candidates: Candidate[] = []
  for await (const [, unit] of output.units.units()) candidates.push(...unit)
  return { output, candidates }
}

test('next sentences and endings say how the policy writes what comes before', async () => {
  const { candidates } = await write({ unit: 'sentence' }, ({ context }) => ({
    text: context === undefined ? 'A dog. A cat.' : ' More.',
  }))
  const own = candidates.filter(({ image }) => image === '0.png')
  expect(own.map(({ context, text }) => [context, text])).toEqual([
    ['', ' More.'],
    ['A dog.', ' More.'],
    ['A dog. A cat.', ' More.'],
    ['', ''],
    ['A dog.', ''],
    ['A dog. A cat.', ''],
  ])
  for (const { context, verbatim } of own)
    expect(verbatim).toEqual({ prompt: `USER: Describe this. ASSISTANT:${context}`, end: '</s>' })
})

test('the greedy answer is told from those that are drawn, wherever one is asked for', async () => {
  const marks = async (caption: object) => {
    const { candidates } = await write({ samples: 2, ...caption }, ({ candidate, context }) => ({
      text: `A dog ${candidate}${context ?? ''}.`,
    }))
    return candidates
      .filter(({ image }) => image === '0.png')
      .map(({ candidate, greedy }) => `${candidate}${greedy ? ' greedy' : ''}`)
  }
  expect(await marks({})).toEqual(['0 greedy', '1', '2'])
  expect(await marks({ greedy: false })).toEqual(['1', '2'])
  expect((await marks({ unit: 'sentence' })).filter((mark) => mark !== '0' && mark !== '1')).toEqual([])
})

test('answers that were cut off do too, and whole ones do not', async () => {
  const { candidates } = await write({}, ({ candidate }) => ({
    text: `A dog ${candidate}`,
    finishReason: candidate === 0 ? 'stop' : 'length',
  }))
  for (const { candidate, verbatim } of candidates)
    expect(verbatim).toEqual(
      candidate === 0 ? undefined : { prompt: 'USER: Describe this. ASSISTANT:', end: '</s>' },
    )
})
