import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Candidate } from '../../src/method/candidate.ts'
import { type ModelSource, openModels, type RunModels } from '../../src/pipeline/models.ts'
import { type CaptionOutput, captionStage } from '../../src/pipeline/stages/caption.ts'
import { questionStage } from '../../src/pipeline/stages/questions.ts'
import type { GenerateJob } from '../../src/workers/policy.api.ts'
import { goldenLlama } from '../support/goldens.ts'
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

const CAPTIONS = ['A red car and a tree.', 'A blue car and a dog.', 'A red ball and a dog.']
const WRITER: ModelSource = { name: 'writer', folder: { name: 'writer', files: {} }, hash: 'writer' }

/** The policy's captions of three pictures: greedy ones that say what is there, and drawn ones that do not. */
const caption: Say = ({ image, candidate }) => ({
  text: candidate === 0 ? (CAPTIONS[Number.parseInt(image, 10)] ?? '') : 'A drum.',
})

async function ask(
  questions: object,
  models: RunModels = testModels({}),
  writer?: ModelSource,
): Promise<{ captions: CaptionOutput; output: CaptionOutput; answers: Candidate[] }> {
  const settings = captionSettings({ questions })
  const dataset = await testPictures(run, [{}, {}, {}])
  const shared = { dataset, seed: 7, round: 1 }
  const policy = testModels({ generate: saying(caption) })
  const written = { ...shared, policy: POLICY, captioners: [] }
  const captions = await captionStage(run.context, policy, settings, written)
  if (!settings.questions) throw new Error('expected settings of questions')
  const output = await questionStage(run.context, models, settings.questions, {
    ...shared,
    captions,
    ...(writer ? { writer } : {}),
  })
  const all: Candidate[] = []
  for await (const [, unit] of output.units.units()) all.push(...unit)
  expect(output.summary.candidates).toBe(all.length)
  expect(all.filter(({ statement }) => statement === undefined)).toHaveLength(captions.summary.candidates)
  return { captions, output, answers: all.filter(({ statement }) => statement !== undefined) }
}

/** A text model that is told what to reply to each picture's captions, and what it was asked. */
function writerSaying(reply: (caption: string) => string, before: () => void = () => {}) {
  const jobs: GenerateJob[] = []
  const say: Say = ({ prompt }) => ({
    text: reply(CAPTIONS.find((text) => prompt.includes(text)) ?? ''),
  })
  const models = testModels({
    async generate(job) {
      before()
      jobs.push(job)
      return await saying(say)(job)
    },
  })
  return { models, jobs }
}

describe('by templates', () => {
  test('are made of what the policy wrote first, and are candidates with statements', async () => {
    const { output, answers } = await ask({ kinds: ['colour', 'existence'] })
    expect(output.summary.questions).toBe(answers.length / 2)
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
    expect(output.summary).not.toHaveProperty('funnel')
  })

  test('are the same when part of them is lost, and leave the captions as they are', async () => {
    const first = await ask({})
    await first.output.units.remove(1)
    const again = await ask({})
    expect(again.answers).toEqual(first.answers)
    expect(again.output.summary).toEqual(first.output.summary)
    expect((await ask({ perImage: 1 })).captions.hash).toBe(first.captions.hash)
    expect((await ask({ perImage: 1 })).answers).toHaveLength(6)
  })
})

describe('by a text model', () => {
  const red = 'Question: What color is the thing?\nCorrect answer: red\nIncorrect answer: blue'
  const dog = 'Question: Is there a dog?\nCorrect answer: Yes\nIncorrect answer: No'

  test('are what it wrote, where that can be read, and what cannot is counted and told', async () => {
    const { models, jobs } = writerSaying((text) =>
      text.includes('red car')
        ? `${red}\n\n${dog}`
        : text.includes('blue')
          ? 'I cannot see it.'
          : `${dog}\n\nQuestion: Why?`,
    )
    const { output, answers } = await ask({ writer: { source: 'w' }, perImage: 2 }, models, WRITER)
    expect(answers.map(({ image, prompt, text, correct }) => [image, prompt, text, correct])).toEqual([
      ['0.png', 'What color is the thing?', 'red', true],
      ['0.png', 'What color is the thing?', 'blue', false],
      ['0.png', 'Is there a dog?', 'Yes', true],
      ['0.png', 'Is there a dog?', 'No', false],
      ['2.png', 'Is there a dog?', 'Yes', true],
      ['2.png', 'Is there a dog?', 'No', false],
    ])
    expect(answers[0]).toMatchObject({ generator: 'writer', statement: 'the thing is red', seed: 7 })
    expect(jobs.map(({ requests }) => requests.length)).toEqual([2, 1])
    const [asked] = jobs[0]?.requests ?? []
    expect(asked).toMatchObject({ images: [], seed: 7, round: 1 })
    expect(asked?.prompt).toContain('- A red car and a tree.')
    expect(asked?.prompt).toContain('Write 2 short questions')
    expect(asked?.prompt).not.toContain('drum')
    expect(output.summary.funnel).toEqual([
      {
        rule: 'unreadable question',
        unit: 'questions',
        came: 5,
        removed: 2,
        remained: 3,
        examples: output.summary.unreadable,
      },
    ])
    expect(output.summary.unreadable).toEqual([
      { image: '1.png', text: 'I cannot see it.', why: 'expected a line "Question: ...", found none' },
      { image: '2.png', text: 'Question: Why?', why: 'expected a line "Correct answer: ...", got the end' },
    ])
    const notes = run.events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    expect(notes).toHaveLength(2)
    expect(notes[0]).toContain('could not read a question about 1.png')
  })

  test('at most as many as are wanted', async () => {
    const { models } = writerSaying(() => `${red}\n\n${dog}`)
    const { answers } = await ask({ writer: { source: 'w' }, perImage: 1 }, models, WRITER)
    expect(answers.map(({ prompt }) => prompt)).toEqual(Array(6).fill('What color is the thing?'))
  })

  test('are gone on with after being broken off, and are the same', async () => {
    const questions = { writer: { source: 'w' } }
    let calls = 0
    const broken = writerSaying(
      () => red,
      () => {
        if (++calls === 2) throw new DOMException('stopped', 'AbortError')
      },
    )
    await expect(ask(questions, broken.models, WRITER)).rejects.toThrow('stopped')
    const rest = writerSaying(() => red)
    const resumed = await ask(questions, rest.models, WRITER)
    expect(rest.jobs.map(({ requests }) => requests.length)).toEqual([1])
    const idle = writerSaying(() => red)
    expect(await ask(questions, idle.models, WRITER)).toMatchObject({ answers: resumed.answers })
    expect(idle.jobs).toEqual([])
    await run.close()
    run = await testRun()
    expect((await ask(questions, writerSaying(() => red).models, WRITER)).answers).toEqual(resumed.answers)
    const progress = run.events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    expect(
      progress.filter(({ part }) => part === 'question replies').map(({ done, total }) => [done, total]),
    ).toEqual([
      [2, 3],
      [3, 3],
    ])
  })

  test('of another model are others, and the captions stay', async () => {
    const questions = { writer: { source: 'w' } }
    const one = await ask(questions, writerSaying(() => red).models, WRITER)
    const other = await ask(questions, writerSaying(() => dog).models, { ...WRITER, hash: 'other' })
    expect(other.captions.hash).toBe(one.captions.hash)
    expect(other.answers[0]?.prompt).toBe('Is there a dog?')
  })

  test('of random weights cannot be read, and the run goes on without', async () => {
    const source: ModelSource = { name: 'llama', hash: 'llama', folder: await goldenLlama() }
    const { store, signal, emit } = run.context
    const models = openModels({ store, signal, emit })
    try {
      const writer = { source: 'llama', prompt: 'describe {captions}', max_new_tokens: 24, temperature: 1 }
      const { output, answers } = await ask({ writer }, models, source)
      expect(answers).toEqual([])
      expect(output.summary).toMatchObject({ questions: 0, funnel: [{ came: 3, removed: 3, remained: 0 }] })
      expect(output.summary.unreadable?.map(({ image }) => image)).toEqual(['0.png', '1.png', '2.png'])
      expect(output.summary.unreadable?.some(({ text }) => /\w/.test(text))).toBe(true)
    } finally {
      models.close()
    }
  })
})
