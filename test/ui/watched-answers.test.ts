import { afterEach, expect, test } from 'vitest'
import '../../src/ui/results.ts'
import type { WatchedView } from '../../src/pipeline/runner.api.ts'
import type { WatchedAnswers } from '../../src/ui/watched-answers.ts'

afterEach(() => document.body.replaceChildren())

const VIEW: WatchedView = {
  prompt: 'What is in this image?',
  pictures: [{ name: 'a.png', hash: 'a', truth: ['dog'] }],
  states: [
    // As they are kept after a training that went on from step 4.
    { step: 4, isKept: true, answers: [[{ text: 'A ' }, { text: 'dog', verdict: 'grounded' }]] },
    { step: 0, isKept: true, answers: [[{ text: 'A ' }, { text: 'cat', verdict: 'hallucinated' }]] },
    { step: 8, isKept: true, answers: [[{ text: 'Dogs' }]] },
  ],
}

test('answers stand in the order of steps, marked, and are read again with news', async () => {
  const asked: string[] = []
  const element = document.createElement('watched-answers') as WatchedAnswers
  element.runner = {
    async watched(id, round, { site }) {
      asked.push(`${id} ${round} ${site}`)
      return VIEW
    },
    async adapterAt(id, round, step, folder) {
      asked.push(`${id} ${round} ${step} ${folder}`)
      return new Blob()
    },
  }
  element.thumbnails = { url: async () => 'data:,' } as never
  element.run = 'run'
  element.round = 2
  element.isTryable = true
  element.site = 'https://host/'
  document.body.append(element)
  const root = element.shadowRoot as ShadowRoot
  const texts = (selector: string): string[] =>
    [...root.querySelectorAll(selector)].map((one) => one.textContent.replace(/\s+/g, ' ').trim())
  await expect
    .poll(() => texts('thead th'))
    .toEqual([
      'Picture',
      'before',
      'after step 4 Try it Evaluate Save',
      'after step 8 Try it Save', // the finished one, which the run has measured
    ])
  expect(texts('tbody td')).toEqual(['A invented: cat', 'A dog', 'Dogs'])
  expect(root.querySelectorAll('del').length).toBeGreaterThan(0)
  element.news = 'more'
  await expect.poll(() => asked).toEqual(['run 2 https://host/', 'run 2 https://host/'])
  const [tried, evaluated, saved] = [...root.querySelectorAll('button')]
  for (const type of ['try', 'evaluate'])
    element.addEventListener(type, (event) =>
      asked.push(`${type} ${JSON.stringify((event as CustomEvent<unknown>).detail)}`),
    )
  tried?.click()
  expect(asked.at(-1)).toBe('try {"round":2,"step":4}')
  evaluated?.click()
  expect(asked.at(-1)).toBe('evaluate {"round":2,"step":4}')
  saved?.click()
  await expect.poll(() => asked.at(-1)).toBe('run 2 4 adapter-after-step-4')
})
