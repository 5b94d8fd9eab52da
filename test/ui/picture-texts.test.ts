import { afterEach, expect, test } from 'vitest'
import type { PictureTexts, RunnerApi } from '../../src/pipeline/runner.api.ts'
import { PictureTextsElement } from '../../src/ui/picture-texts.ts'

afterEach(() => document.body.replaceChildren())

const TRUTH = { truth: ['cup'], hallu: ['spoon'], questions: [], attributes: [], relations: [], objects: [] }
const PICTURE = { name: 'a.png', hash: 'a', width: 1, height: 1, captions: ['A cup.'], truth: TRUTH }

type Text = PictureTexts['candidates'][number]
const text = (said: string, score: number, more: Partial<Text> = {}): Text =>
  ({
    image: 'a.png',
    imageHash: 'a',
    prompt: 'What is it?',
    generator: 'policy',
    candidate: 1,
    text: said,
    score,
    ...more,
  }) as Text

function show(
  candidates: readonly Text[],
  mark: RunnerApi['mark'],
  picture: object = PICTURE,
  pairs: readonly object[] = [],
) {
  const element = new PictureTextsElement()
  element.runner = { texts: async () => ({ candidates, pairs: pairs as PictureTexts['pairs'] }), mark }
  element.thumbnails = { url: async () => 'data:,' } as never
  element.run = 'r'
  element.site = 'https://host/'
  element.picture = picture as never
  document.body.append(element)
  const root = element.shadowRoot as ShadowRoot
  const lines = () =>
    [...root.querySelectorAll('ol li')].map((line) => line.textContent.replace(/\s+/g, ' ').trim())
  return { root, lines }
}

test('descriptions stand in the order of their scores, with what is invented marked once each', async () => {
  const asked: unknown[] = []
  const { root, lines } = show(
    [text('A spoon.', 1), text('A cup.', 30, { greedy: true }), text('A spoon.', 1, { prompt: 'And now?' })],
    async (run, texts, truth, sources) => {
      asked.push([run, texts, truth.truth, sources])
      return texts.map((said) =>
        said === 'A spoon.' ? [{ text: 'A ' }, { text: 'spoon', verdict: 'hallucinated' }] : [{ text: said }],
      )
    },
  )
  await expect.poll(lines).toEqual(['30.0 A cup. greedy', '1.0 A invented: spoon', '1.0 A invented: spoon'])
  expect(asked).toEqual([['r', ['A spoon.', 'A cup.'], ['cup'], { site: 'https://host/' }]])
  expect(root.querySelectorAll('ol del').length).toBe(2)
  expect(root.querySelector('details')?.textContent).toContain('A cup.')
})

test('each prompt, and each other model, has its own heading; what was drawn more than once stands once', async () => {
  const { root, lines } = show(
    [
      text('A cup.', 30, { count: 3 }),
      text('A spoon.', 1, { count: 1 }),
      text('A bowl.', 5, { prompt: 'And now?' }),
      text('A fork.', 4, { generator: 'org/other' }),
    ],
    async (_, texts) => texts.map((said) => [{ text: said }]),
  )
  await expect.poll(lines).toEqual(['30.0 A cup. × 3', '1.0 A spoon.', '5.0 A bowl.', '4.0 A fork.'])
  const headings = [...root.querySelectorAll('h3')].map((one) => one.textContent.replace(/\s+/g, ' ').trim())
  expect(headings).toEqual(['“What is it?”', '“And now?”', '“What is it?”, org/other'])
})

test('only the likeliest answer is greedy, and a question’s answers say as what they were made', async () => {
  const { root, lines } = show(
    [
      text('A cup.', 30, { candidate: 0 }),
      text('Yes.', 20, { candidate: 0, correct: true, generator: 'template' }),
      text('No.', 10, { correct: false, generator: 'template' }),
    ],
    async (_, texts) => texts.map((said) => [{ text: said }]),
  )
  await expect
    .poll(lines)
    .toEqual(['30.0 A cup.', '20.0 Yes. made as the right answer', '10.0 No. made as the wrong answer'])
  expect(root.textContent).not.toMatch(/greedy/i)
})

test('chosen and rejected are only those after the same beginning', async () => {
  const pair = { prompt: 'What is it?', context: 'One.', chosen: 'A cup.', rejected: 'A spoon.' }
  const { lines } = show(
    ['One.', 'Two.'].flatMap((context) => [
      text('A cup.', 30, { context }),
      text('A spoon.', 1, { context }),
    ]),
    async (_, texts) => texts.map((said) => [{ text: said }]),
    PICTURE,
    [pair],
  )
  await expect
    .poll(lines)
    .toEqual(['30.0 A cup. chosen', '1.0 A spoon. rejected', '30.0 A cup.', '1.0 A spoon.'])
})

test('nothing is marked where it is not known what the picture shows, or where it cannot be', async () => {
  const unknown = show([text('A spoon.', 1)], async () => expect.fail('expected not to be asked'), {
    ...PICTURE,
    truth: undefined,
  })
  await expect.poll(unknown.lines).toEqual(['1.0 A spoon.'])
  const offline = show([text('A spoon.', 1)], async () => await Promise.reject(new Error('no network')))
  await expect.poll(offline.lines).toEqual(['1.0 A spoon.'])
})

test('noun phrases are coloured by their own scores', async () => {
  document.body.style.cssText = '--bad: red; --good: green'
  const phrases = [
    { text: 'a cup', score: 30 },
    { text: 'a spoon', score: 2 },
    { text: 'a kitchen', score: 16 },
  ]
  const { root } = show([text('A cup and a spoon in a kitchen.', 20, { phrases })], async (_, texts) =>
    texts.map((said) => [{ text: said }]),
  )
  await expect.poll(() => root.querySelectorAll('.phrase').length).toBe(3)
  const [cup, spoon, kitchen] = [...root.querySelectorAll<HTMLElement>('.phrase')]
  expect([cup, spoon, kitchen].map((one) => one?.style.getPropertyValue('--fit'))).toEqual([
    '1.00',
    '0.00',
    '0.50',
  ])
  expect(new Set([cup, spoon, kitchen].map((one) => one && getComputedStyle(one).color)).size).toBe(3)
})
