import { afterEach, expect, test } from 'vitest'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { RunnerClient } from '../../src/pipeline/runner-client.ts'
import { renderReport } from '../../src/ui/report.ts'
import { runOfReport } from '../../src/ui/report-data.ts'
import { RunsPanel } from '../../src/ui/runs-panel.ts'
import { exampleRunView } from '../support/run-view.ts'

afterEach(() => document.body.replaceChildren())

const view = exampleRunView()

async function show() {
  const panel = new RunsPanel()
  panel.runner = { list: async () => [] } as unknown as RunnerClient
  document.body.append(panel)
  await panel.updateComplete
  const root = panel.shadowRoot as ShadowRoot
  const choose = (text: string): void => {
    const input = root.querySelector('input[type=file]') as HTMLInputElement
    const transfer = new DataTransfer()
    transfer.items.add(new File([text], 'report.html'))
    input.files = transfer.files
    input.dispatchEvent(new Event('change'))
  }
  const inside = () => root.querySelector('saved-run')?.shadowRoot
  const problem = () =>
    root.querySelector('[role=alert]')?.textContent ?? inside()?.querySelector('[role=alert]')?.textContent
  return { panel, root, choose, inside, problem }
}

test('a report of another browser is opened with all its views, and its recipe taken', async () => {
  const { panel, root, choose, inside } = await show()
  const taken: unknown[] = []
  panel.addEventListener('recipe', (event) => taken.push((event as CustomEvent).detail))
  choose(renderReport(view))
  await expect.poll(() => inside()?.querySelectorAll('section h2').length).toBe(11)
  expect(inside()?.querySelectorAll('.card')).toHaveLength(view.cards.cards.length)
  const [take, close] = inside()?.querySelectorAll('button') ?? []
  take?.click()
  expect(parseRecipe(taken[0])).toEqual(view.recipe)
  close?.click()
  await panel.updateComplete
  expect(root.querySelector('saved-run')).toBeNull()
})

test('what is no report is told, and so is one that cannot be shown', async () => {
  const { choose, problem } = await show()
  choose('<p>hello</p>')
  await expect
    .poll(problem)
    .toMatch(/^report\.html: expected a report\.html that this page or `clip-dpo run` wrote/)
  choose(renderReport(view).replaceAll('"verdicts":', '"other":'))
  await expect
    .poll(problem)
    .toMatch(/^expected a report of this version of the page, found one that cannot be shown/)
})

test('pictures of elsewhere are not fetched for a report', () => {
  const [thumbnail] = view.cards.cards.flatMap((card) => card.thumbnail ?? [])
  if (thumbnail === undefined) throw new Error('expected a thumbnail in the example')
  const other = renderReport(view).replaceAll(thumbnail, 'https://example.org/a.png')
  expect(other).toContain('https://example.org/a.png')
  expect(JSON.stringify(runOfReport(other))).not.toContain('example.org')
})
