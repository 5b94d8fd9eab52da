import type { LitElement } from 'lit'
import { afterEach, expect, test } from 'vitest'
import type { PreferencePair } from '../../src/method/candidate.ts'
import { PairEditor } from '../../src/ui/pair-editor.ts'
import { editsOf } from '../../src/ui/pair-edits-draft.ts'
import { PairEditsList } from '../../src/ui/pair-edits-list.ts'
import { PairResults } from '../../src/ui/pair-results.ts'
import type { Json } from '../../src/ui/recipe-draft.ts'
import { scored } from '../support/candidates.ts'
import { textOf } from '../support/elements.ts'

const A = 'a'.repeat(64)
const PAIR: PreferencePair = {
  images: ['a.png'],
  imageHash: A,
  prompt: 'Describe this image.',
  chosen: 'A dog.',
  rejected: 'A cow.',
  chosenScore: 28,
  rejectedScore: 20,
  gap: 8,
  rule: 'best-worst',
}
const TEXTS = {
  pairs: [PAIR],
  candidates: [
    scored(28, { text: 'A dog.' }),
    scored(22, { text: 'A cat.' }),
    scored(20, { text: 'A cow.' }),
    scored(undefined, { text: 'A long one.' }),
  ],
}
const runner = {
  pairs: async () => ({ count: 1, pairs: [PAIR] }),
  pictures: async () => ({ total: 1, items: [{ name: 'a.png', hash: A, width: 1, height: 1 }] }),
  texts: async () => TEXTS,
}

afterEach(() => document.body.replaceChildren())

function click(element: LitElement, name: RegExp): void {
  const found = [...(element.shadowRoot?.querySelectorAll('button') ?? [])].find(({ textContent }) =>
    name.test(textContent.trim()),
  )
  if (!found) throw new Error(`expected a button ${name}`)
  found.click()
}
/** Shows an element whose `recipe` events change its recipe. */
function show<T extends LitElement & { recipe: Json }>(element: T): T {
  element.addEventListener('recipe', (event) => {
    element.recipe = (event as CustomEvent<Json>).detail
  })
  document.body.append(element)
  return element
}
function results(recipe: Json = {}): PairResults {
  const element = new PairResults()
  Object.assign(element, {
    runner,
    run: 'r',
    round: 1,
    datasetHash: 'd',
    news: 'done',
    recipe,
    locked: false,
  })
  return show(element)
}

test('a pair is struck out, flipped and left alone again, in the recipe only', async () => {
  const element = results()
  await expect.poll(() => textOf(element)).toContain('A dog.')
  click(element, /^Strike out$/)
  await element.updateComplete
  expect(editsOf(element.recipe)).toEqual([
    { edit: 'strike', imageHash: A, prompt: PAIR.prompt, chosen: 'A dog.', rejected: 'A cow.' },
  ])
  expect(element.shadowRoot?.querySelector('tr.struck')).not.toBeNull()
  click(element, /^Undo$/)
  await element.updateComplete
  expect(element.recipe).toEqual({ pair: {} })
  click(element, /^Flip$/)
  await element.updateComplete
  expect(
    [...(element.shadowRoot?.querySelectorAll('tbody td') ?? [])].map((td) => td.textContent?.trim()),
  ).toEqual([
    expect.stringMatching(/^A cow\./),
    expect.stringMatching(/^A dog\./),
    expect.stringMatching(/^−8\.0/),
    expect.stringMatching(/^flipped\s+Undo$/),
  ])
})

test('pairs of a negative control are not edited', async () => {
  const element = results({ pair: { control: 'flipped' } })
  await expect.poll(() => textOf(element)).toContain('negative control')
  expect(element.shadowRoot?.querySelector('button')).toBeNull()
})

test('a pair is added of two candidates that CLIP has scored, once', async () => {
  const element = new PairEditor()
  Object.assign(element, {
    runner,
    run: 'r',
    round: 2,
    datasetHash: 'd',
    news: 'done',
    recipe: {},
    locked: false,
  })
  show(element)
  await expect.poll(() => textOf(element)).toContain('A long one.')
  const radio = (name: string): HTMLInputElement => {
    const found = element.shadowRoot?.querySelector<HTMLInputElement>(`input[aria-label="${name}"]`)
    if (!found) throw new Error(`expected ${name}`)
    return found
  }
  expect(radio('chosen: A long one.').disabled).toBe(true)
  radio('chosen: A cat.').click()
  radio('rejected: A dog.').click()
  await element.updateComplete
  click(element, /^Add this pair$/)
  await element.updateComplete
  expect(editsOf(element.recipe)).toEqual([
    { edit: 'add', imageHash: A, prompt: PAIR.prompt, chosen: 'A cat.', rejected: 'A dog.', round: 2 },
  ])
  expect(textOf(element)).toContain('It has been added.')
  radio('chosen: A dog.').click()
  radio('rejected: A cow.').click()
  await element.updateComplete
  expect(textOf(element)).toContain('There is such a pair already.')
})

test('edits are listed, with those that change nothing, and undone one by one or all', async () => {
  const edit = { edit: 'strike', imageHash: A, prompt: 'p', chosen: 'A dog.', rejected: 'A cow.' } as const
  const other = { ...edit, edit: 'flip' } as const
  const element = new PairEditsList()
  element.recipe = { pair: { edits: [edit, other] } }
  element.unmatched = [{ edit, why: 'there is no such pair' }]
  show(element)
  await element.updateComplete
  const lines = [...(element.shadowRoot?.querySelectorAll('li') ?? [])].map((li) =>
    li.textContent?.replace(/\s+/g, ' ').trim(),
  )
  expect(lines).toEqual([
    expect.stringMatching(/^Flipped: “A dog.” over “A cow.”/),
    expect.stringMatching(/^Struck out: .*changes nothing: there is no such pair/),
  ])
  element.shadowRoot?.querySelector<HTMLButtonElement>('li button')?.click()
  await element.updateComplete
  expect(editsOf(element.recipe)).toEqual([edit])
  click(element, /^Undo all$/)
  await element.updateComplete
  expect(element.recipe).toEqual({ pair: {} })
  expect(element.shadowRoot?.querySelector('section')).toBeNull()
})
