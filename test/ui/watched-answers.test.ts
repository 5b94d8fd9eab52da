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
    async adapterAt(id, round, step) {
      asked.push(`${id} ${round} adapter ${step}`)
      return []
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
  await expect.poll(() => texts('thead th')).toEqual(['Picture', 'before', 'after step 4 Try it Save'])
  expect(texts('tbody td')).toEqual(['A invented: cat', 'A dog'])
  expect(root.querySelectorAll('del').length).toBeGreaterThan(0)
  element.news = 'more'
  await expect.poll(() => asked).toEqual(['run 2 https://host/', 'run 2 https://host/'])
  const [tried, saved] = [...root.querySelectorAll('button')]
  element.addEventListener('try', (event) =>
    asked.push(`try ${JSON.stringify((event as CustomEvent<unknown>).detail)}`),
  )
  tried?.click()
  expect(asked.at(-1)).toBe('try {"round":2,"step":4}')
  saved?.click()
  await expect.poll(() => asked.at(-1)).toBe('run 2 adapter 4')
})
