import { afterEach, beforeEach, expect, test } from 'vitest'
import { truthOf } from '../../src/data/truth.ts'
import type { AdapterSource } from '../../src/pipeline/models.ts'
import {
  type MeasuredImage,
  type MeasureInputs,
  type MeasureOutput,
  measureStage,
} from '../../src/pipeline/stages/measure.ts'
import type { GenerateJob, RepliesJob } from '../../src/workers/policy.api.ts'
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

const SHORT = 'A dog on a beach.'
const LONG = 'A dog is on a beach. It is brown. There is a ball to the left of the dog.'
const question = (text: string, answer: 'Yes' | 'No') => ({ kind: 'existence', text, answer })
const PICTURES = [0, 1, 2].map(() => ({
  captions: [SHORT, LONG],
  truth: truthOf({
    truth: ['dog'],
    questions: [question('Is there a dog?', 'Yes'), question('Is there a cat?', 'No')],
  }),
}))

interface Model {
  readonly says?: Say
  /** First token of the answer to a question. */
  readonly firstToken?: (question: string) => string
}

/** Measures a model, and tells what it was asked. */
async function measure({ says = () => ({ text: SHORT }), firstToken = () => 'Yes' }: Model) {
  const dataset = await testPictures(run, PICTURES)
  const jobs: { generate: GenerateJob[]; replies: RepliesJob[] } = { generate: [], replies: [] }
  const models = testModels({
    generate: async (job, onAnswers) => {
      jobs.generate.push(job)
      return await saying(says)(job, onAnswers)
    },
    replies: async (job) => {
      jobs.replies.push(job)
      return job.requests.map(({ turns }) =>
        turns.map(({ prompt, completion = '' }) => ({
          firstWord: firstToken(String(prompt)),
          logp: -completion.length,
          numTokens: 1,
        })),
      )
    },
  })
  const settings = { max_new_tokens: 10, questions: 2, clean_captions: 3 }
  const stage = async (part: string, more: Partial<MeasureInputs> = {}): Promise<MeasureOutput> =>
    await measureStage(run.context, models, settings, {
      dataset,
      policy: POLICY,
      prompt: 'What?',
      part,
      ...more,
    })
  return { stage, jobs }
}

async function images({ units }: MeasureOutput): Promise<MeasuredImage[]> {
  const found: MeasuredImage[] = []
  for await (const [, unit] of units.units()) found.push(...unit)
  return found
}

const adapter: AdapterSource = {
  hash: 'adapter',
  files: { 'adapter_config.json': '{}', 'adapter_model.safetensors': new Uint8Array() },
}

test('the loss is taken on the caption in the style of the prompt, the same before and after', async () => {
  const says: Say = ({ image }) => ({ text: image === '1.png' ? LONG : SHORT })
  const { stage, jobs } = await measure({ says })
  const base = await stage('before')
  const measured = (await images(base)).map(({ clean }) => clean)
  expect(measured.map((clean) => clean?.caption)).toEqual([0, 1, 0])
  expect(measured.map((clean) => clean?.logp)).toEqual([-SHORT.length, -LONG.length, -SHORT.length])

  const after = await measure({ says: () => ({ text: 'Much longer than any caption. '.repeat(9) }) })
  const tuned = await after.stage('after', { tuned: { adapter, base } })
  expect((await images(tuned)).map(({ clean }) => clean?.caption)).toEqual([0, 1, 0])
  expect(jobs.generate).toHaveLength(1)
})

test.each([' Yes', 'yes', 'YES', 'Yes,'])('%j is yes', async (word) => {
  const { stage, jobs } = await measure({ firstToken: () => word })
  const [first] = await images(await stage('before'))
  expect(first?.answers.map(({ answer }) => answer)).toEqual(['yes', 'yes'])
  expect(jobs.generate).toHaveLength(1)
})

test('where the first token says neither yes nor no, the answer is read further', async () => {
  const { stage, jobs } = await measure({
    firstToken: (asked) => (asked.includes('dog') ? 'Y' : 'No'),
    says: ({ prompt }) => ({ text: prompt.includes('dog') ? ' YES, there is.' : SHORT }),
  })
  const measured = await images(await stage('before'))
  for (const { answers } of measured) expect(answers.map(({ answer }) => answer)).toEqual(['yes', 'no'])
  const [, again] = jobs.generate
  expect(again?.requests.map(({ prompt }) => prompt)).toEqual(Array(3).fill('Is there a dog?'))
})

test('what is neither stays neither', async () => {
  const { stage } = await measure({ firstToken: () => 'Maybe' })
  const [first] = await images(await stage('before'))
  expect(first?.answers.map(({ answer }) => answer)).toEqual([undefined, undefined])
})

test('POPE’s reading is kept where it is another', async () => {
  const { stage } = await measure({ firstToken: (asked) => (asked.includes('dog') ? 'NO' : 'No') })
  const [first] = await images(await stage('before'))
  expect(first?.answers.map(({ answer, popeAnswer }) => [answer, popeAnswer])).toEqual([
    ['no', 'yes'], // its script knows "No" and "no"
    ['no', undefined],
  ])
})
