import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Candidate } from '../../src/method/candidate.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { type CaptionOutput, captionStage } from '../../src/pipeline/stages/caption.ts'
import {
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

const settings = (caption: object) =>
  parseRecipe({
    name: 'test',
    dataset: { source: 'a' },
    policy: { source: 'b' },
    clip: { source: 'c' },
    caption: { prompts: ['Describe this.'], samples: 1, ...caption },
    train: {},
    evaluate: { dataset: { source: 'd' } },
  }).caption

async function write(caption: object, say: Say): Promise<{ output: CaptionOutput; candidates: Candidate[] }> {
  const models = testModels({
    generate: saying(say),
    renderPrompt: async (prompt, { context = '' } = {}) => `USER: ${prompt} ASSISTANT:${context}`,
    endOfAnswer: async () => '</s>',
  })
  const dataset = await testPictures(run, [{}, {}, {}])
  const inputs = { dataset, policy: POLICY, captioners: [], seed: 7, round: 1 }
  const output = await captionStage(run.context, models, settings(caption), inputs)
  const candidates: Candidate[] = []
  for await (const [, unit] of output.units.units()) candidates.push(...unit)
  return { output, candidates }
}

describe('questions', () => {
  const captions = ['A red car and a tree.', 'A blue car and a dog.', 'A red ball and a dog.']
  const say: Say = ({ image, candidate }) => ({
    text: candidate === 0 ? (captions[Number.parseInt(image, 10)] ?? '') : 'A drum.',
  })

  test('are made of what the policy wrote first, and are candidates with statements', async () => {
    const { output, candidates } = await write({ questions: { kinds: ['colour', 'existence'] } }, say)
    const answers = candidates.filter(({ statement }) => statement !== undefined)
    expect(output.summary).toMatchObject({ candidates: candidates.length, questions: answers.length / 2 })
    expect(answers.filter(({ image }) => image === '0.png')).toContainEqual(
      expect.objectContaining({
        prompt: 'What color is the car?',
        text: 'red',
        statement: 'the car is red',
        generator: 'template',
        correct: true,
        seed: 7,
      }),
    )
    expect(answers.map(({ prompt }) => prompt).join(' ')).not.toContain('drum') // a draw's, not the first answer's
    const ids = answers.filter(({ image }) => image === '1.png').map(({ promptId }) => promptId)
    expect(new Set(ids).size).toBe(ids.length / 2)
  })

  test('are none unless asked for, and done again they are the same', async () => {
    const { output, candidates } = await write({}, say)
    expect(candidates.every(({ statement }) => statement === undefined)).toBe(true)
    expect(output.summary).not.toHaveProperty('questions')
    const first = await write({ questions: {} }, say)
    const { units } = first.output
    await units.remove(1) // as after a visit that ended between the two passes
    const again = await write({ questions: {} }, say)
    expect(again.candidates).toEqual(first.candidates)
    expect(again.output.summary).toEqual(first.output.summary)
  })
})

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
