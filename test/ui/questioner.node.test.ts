import { expect, test } from 'vitest'
import type { Question, RunnerApi, TwoAnswers } from '../../src/pipeline/runner.api.ts'
import type { AskedPicture } from '../../src/ui/asked-picture.ts'
import { type Asking, Questioner } from '../../src/ui/questioner.ts'

/** A question to the runner, answered when the test says so. */
interface Call {
  readonly question: Question
  readonly show: (answers: TwoAnswers) => void
  readonly answer: (answers: TwoAnswers) => void
  readonly fail: (error: Error) => void
}

function ask() {
  const calls: Call[] = []
  const stopped: number[] = []
  const runner: Pick<RunnerApi, 'ask' | 'stopAsking'> = {
    ask: (question, show) =>
      new Promise((answer, fail) => {
        calls.push({ question, show, answer, fail })
      }),
    async stopAsking() {
      stopped.push(calls.length)
    },
  }
  const asking: { -readonly [K in keyof Asking]: Asking[K] } = {
    runner,
    run: 'r',
    sources: { site: '' },
    asked: picture('p'),
    prompt: 'What?',
    locked: false,
  }
  const host = {
    addController() {},
    removeController() {},
    requestUpdate() {},
    updateComplete: Promise.resolve(true),
  }
  return { asking, questioner: new Questioner(host, () => asking), calls, stopped }
}

function picture(hash: string): AskedPicture {
  return { kind: 'stored', picture: { name: hash, hash, width: 1, height: 1 }, url: undefined }
}

const said = (text: string): TwoAnswers => ({ base: { text }, tuned: { text } })
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

test.each([
  ['another run', { run: 'other' }],
  ['another adapter', { runner: ask().asking.runner }],
  ['no picture', { asked: undefined }],
])('%s shows no answer of the one before, and breaks it off', async (_, change) => {
  const { asking, questioner, calls, stopped } = ask()
  void questioner.ask()
  calls[0]?.show(said('a'))
  expect(questioner.said).toMatchObject(said('a'))
  Object.assign(asking, change)
  questioner.hostUpdate()
  expect(questioner.said).toBeUndefined()
  expect(questioner.isAsking).toBe(false)
  expect(stopped).toEqual([1])
  calls[0]?.show(said('a b'))
  calls[0]?.answer(said('a b c'))
  await settled()
  expect(questioner.said).toBeUndefined()
})

test.each([
  ['picture', { asked: picture('q') }, { picture: { hash: 'q' } }],
  ['prompt', { prompt: 'And now?' }, { prompt: 'And now?' }],
])('a %s that changes before there is an answer is asked about in its place', async (_, change, question) => {
  const { asking, questioner, calls, stopped } = ask()
  void questioner.ask()
  calls[0]?.show(said('a'))
  Object.assign(asking, change)
  questioner.hostUpdate()
  calls[0]?.answer(said('a b c'))
  await settled()
  expect(questioner.said).toBeUndefined()
  expect(calls[1]?.question).toMatchObject(question)
  calls[1]?.answer(said('b'))
  await settled()
  expect(questioner.said).toMatchObject(said('b'))
  // Once it is answered, another one waits to be asked about.
  Object.assign(asking, { asked: picture('r') })
  questioner.hostUpdate()
  expect(questioner.said).toBeUndefined()
  expect(calls).toHaveLength(2)
  expect(stopped).toEqual([])
})

test('what is asked meanwhile is answered instead: another strength, another picture', async () => {
  const { asking, questioner, calls, stopped } = ask()
  void questioner.ask()
  questioner.strength = 1.5
  void questioner.ask()
  calls[0]?.show(said('at 1.0'))
  calls[0]?.fail(new DOMException('stopped', 'AbortError'))
  await settled()
  expect(questioner.isAsking).toBe(true)
  expect(questioner.said).toBeUndefined()
  calls[1]?.answer(said('at 1.5'))
  await settled()
  expect(questioner.said).toEqual({ ...said('at 1.5'), strength: 1.5 })
  void questioner.ask()
  asking.asked = picture('q')
  void questioner.ask()
  questioner.hostUpdate()
  expect(calls.map(({ question }) => [question.picture, question.strength])).toEqual([
    [{ hash: 'p' }, 1],
    [{ hash: 'p' }, 1.5],
    [{ hash: 'p' }, 1.5],
    [{ hash: 'q' }, 1.5],
  ])
  calls[3]?.answer(said('about q'))
  await settled()
  expect(questioner.said).toMatchObject(said('about q'))
  expect(stopped).toEqual([]) // the runner does it by itself, and goes on loading the model
})

test('that a run breaks a question off is no problem; what else goes wrong is told', async () => {
  const { questioner, calls } = ask()
  void questioner.ask()
  calls[0]?.fail(new DOMException('stopped', 'AbortError'))
  await settled()
  expect(questioner.problem).toBeUndefined()
  expect(questioner.isAsking).toBe(false)
  void questioner.ask()
  calls[1]?.fail(new Error('no such model'))
  await settled()
  expect(questioner.problem).toBe('no such model')
})
