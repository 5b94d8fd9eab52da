import { afterEach, expect, test } from 'vitest'
import type { Json } from '../../src/ui/recipe-draft.ts'
import { RecipeJson } from '../../src/ui/recipe-json.ts'

afterEach(() => document.body.replaceChildren())

async function show(recipe: Json) {
  const element = new RecipeJson()
  const taken: Json[] = []
  element.recipe = recipe
  element.take = async (other) => {
    if (other.name === undefined) throw new Error('recipe: name: expected text, got nothing')
    taken.push(other)
    element.recipe = other
  }
  document.body.append(element)
  await element.updateComplete
  const root = element.shadowRoot as ShadowRoot
  const area = root.querySelector('textarea') as HTMLTextAreaElement
  const button = (name: RegExp) =>
    [...root.querySelectorAll('button')].find(({ textContent }) =>
      name.test(textContent),
    ) as HTMLButtonElement
  const write = async (text: string) => {
    area.value = text
    area.dispatchEvent(new Event('input'))
    await element.updateComplete
  }
  const problem = () => root.querySelector('[role=alert]')?.textContent
  return { element, taken, root, area, button, write, problem }
}

test('a recipe is written by hand and taken once it is one', async () => {
  const { element, taken, area, button, write, problem } = await show({ name: 'demo', seed: 0 })
  expect(JSON.parse(area.value)).toEqual({ name: 'demo', seed: 0 })
  expect(button(/Use this recipe/).disabled).toBe(true)
  await write('{"name": "own", ')
  button(/Use this recipe/).click()
  await expect.poll(problem).toMatch(/^This is not JSON: /)
  await write('{"seed": 3}')
  button(/Use this recipe/).click()
  await expect.poll(problem).toBe('recipe: name: expected text, got nothing')
  expect(area.value).toBe('{"seed": 3}')
  await write('{"name": "own", "seed": 3}')
  button(/Use this recipe/).click()
  await expect.poll(() => taken).toEqual([{ name: 'own', seed: 3 }])
  await element.updateComplete
  expect([problem(), button(/Use this recipe/).disabled]).toEqual([undefined, true])
})

test('what was written can be undone, and a setting changed elsewhere is shown', async () => {
  const { element, area, button, write } = await show({ name: 'demo' })
  await write('nothing')
  button(/Undo/).click()
  await element.updateComplete
  expect(JSON.parse(area.value)).toEqual({ name: 'demo' })
  element.recipe = { name: 'demo', seed: 5 }
  await element.updateComplete
  expect(JSON.parse(area.value)).toEqual({ name: 'demo', seed: 5 })
})

test('a recipe comes from a file', async () => {
  const { element, taken, root, area, problem } = await show({ name: 'demo' })
  const input = root.querySelector('input') as HTMLInputElement
  const choose = (text: string): void => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([text], 'recipe.json'))
    input.files = transfer.files
    input.dispatchEvent(new Event('change'))
  }
  choose('{"name": "from a file"}')
  await expect.poll(() => taken).toEqual([{ name: 'from a file' }])
  choose('{}')
  await expect.poll(problem).toMatch(/name: expected text/)
  await element.updateComplete
  expect(area.value).toBe('{}')
})
