import { afterEach, expect, test } from 'vitest'
import type { CardRange, CardSample } from '../../src/pipeline/run-view.ts'
import { CardPages } from '../../src/ui/card-pages.ts'
import { PairResults } from '../../src/ui/pair-results.ts'
import { exampleRunView } from '../support/run-view.ts'

afterEach(() => document.body.replaceChildren())

const view = exampleRunView()
const rootOf = (element: HTMLElement): ShadowRoot => element.shadowRoot as ShadowRoot
const textOf = (element: HTMLElement): string => rootOf(element).textContent.replace(/\s+/g, ' ')
const button = (element: HTMLElement, name: string): HTMLButtonElement => {
  const found = rootOf(element).querySelector<HTMLButtonElement>(`button[aria-label^='${name}']`)
  if (!found) throw new Error(`expected a button ${name}`)
  return found
}

test('evaluated pictures are turned over, from the first page again for another kind', async () => {
  const asked: CardRange[] = []
  const element = new CardPages()
  element.runner = {
    async cards(_, range): Promise<CardSample> {
      asked.push(range)
      return { counts: { fixed: 20, broken: 5, both: 0, clean: 0 }, cards: view.cards.cards.slice(0, 3) }
    },
  }
  element.run = 'r'
  document.body.append(element)
  await expect.poll(() => textOf(element)).toContain('1 to 12 of 25 pictures')
  expect(button(element, 'Previous').disabled).toBe(true)
  button(element, 'Next').click()
  await expect.poll(() => textOf(element)).toContain('13 to 24 of 25')
  button(element, 'Next').click()
  await expect.poll(() => textOf(element)).toContain('25 to 25 of 25')
  await expect.poll(() => button(element, 'Next').disabled).toBe(true)
  rootOf(element).querySelector<HTMLInputElement>('input[value=fixed]')?.click()
  await expect.poll(() => textOf(element)).toContain('1 to 12 of 20')
  rootOf(element).querySelector<HTMLInputElement>('input[value=broken]')?.click()
  await expect.poll(() => rootOf(element).querySelector('.pager')).toBeNull()
  expect(asked.map(({ kind, start, end }) => `${kind} ${start}-${end}`)).toEqual([
    'all 0-12',
    'all 12-24',
    'all 24-36',
    'fixed 0-12',
    'broken 0-12',
  ])
})

test('pairs are turned over, from the first page again for another run', async () => {
  const asked: string[] = []
  const element = new PairResults()
  const { pairs } = view.rounds[0]?.pairs ?? { pairs: [] }
  element.runner = {
    async pairs(id, _, start, end) {
      asked.push(`${id} ${start}-${end}`)
      return { count: 30, pairs: pairs.slice(0, 2) }
    },
    pictures: async () => ({ total: 0, items: [] }),
    texts: async () => ({ candidates: [], pairs: [] }),
  }
  element.run = 'a'
  element.round = 1
  document.body.append(element)
  await expect.poll(() => textOf(element)).toContain('1 to 24 of 30 pairs')
  button(element, 'Next').click()
  await expect.poll(() => textOf(element)).toContain('25 to 30 of 30 pairs')
  element.run = 'b'
  await expect.poll(() => asked).toEqual(['a 0-24', 'a 24-48', 'b 0-24'])
})
