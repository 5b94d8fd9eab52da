import { afterEach, expect, test } from 'vitest'
import type { CachedModel } from '../../src/pipeline/cached-models.ts'
import { ModelsPanel } from '../../src/ui/models-panel.ts'
import type { Json } from '../../src/ui/recipe-draft.ts'

const KEPT: CachedModel = {
  url: 'https://huggingface.co/org/name/resolve/main/',
  name: 'org/name',
  files: 5,
  byteLength: 3 * 2 ** 20,
  keptBytes: 2 ** 20,
}
const RECIPE = { policy: { source: 'embedded:emoji-llava' }, clip: { source: 'embedded:emoji-clip' } }

afterEach(() => document.body.replaceChildren())

async function show(missing: readonly string[] = [], recipe: Json = RECIPE) {
  const calls: unknown[] = []
  let kept = [KEPT]
  const panel = new ModelsPanel()
  panel.recipe = recipe
  panel.defaults = RECIPE
  panel.locked = false
  panel.runner = {
    cachedModels: async () => kept,
    deleteModel: async (url) => {
      calls.push(url)
      kept = []
    },
    inspectModel: async (folder, role) => {
      calls.push([folder, role])
      return { architecture: 'LlavaForConditionalGeneration', byteLength: 2 ** 20, missing }
    },
  }
  for (const type of ['model', 'recipe'])
    panel.addEventListener(type, (event) => calls.push((event as CustomEvent<unknown>).detail))
  document.body.append(panel)
  /** The panel's own and those of its parts. */
  const roots = (): ParentNode[] =>
    [panel, ...(panel.shadowRoot?.querySelectorAll('kept-models, model-finder') ?? [])].flatMap(
      ({ shadowRoot }) => shadowRoot ?? [],
    )
  const find = <T extends Element>(selector: string): T[] =>
    roots().flatMap((root) => [...root.querySelectorAll<T>(selector)])
  const text = () =>
    roots()
      .map((root) => root.textContent)
      .join(' ')
      .replace(/\s+/g, ' ')
  await expect.poll(text).toContain('org/name')
  const click = (name: RegExp): void => {
    const found = find<HTMLElement>('button').find((one) => name.test(one.textContent.trim()))
    if (!found) throw new Error(`expected a button ${name}`)
    found.click()
  }
  const look = (id: string): void => {
    const [input] = find<HTMLInputElement>('input[name=hub]')
    if (!input) throw new Error('expected the hub’s field')
    input.value = id
    input.form?.requestSubmit()
  }
  return { calls, text, click, look, find }
}

test('what is kept is told with its size, and deleted only after a second click', async () => {
  const { calls, text, click, find } = await show()
  expect(text()).toMatch(/org\/name5 files, of 3(\.0)? MiB, huggingface\.co 1(\.0)? MiB/)
  click(/^Delete$/)
  await expect.poll(() => find('button').length).toBeGreaterThan(2)
  expect(calls).toEqual([])
  click(/^Delete it$/)
  await expect.poll(() => calls).toEqual([KEPT.url])
  await expect.poll(text).toContain('No model’s files are kept')
})

test('a model of the hub is looked at before it is used', async () => {
  const { calls, text, click, look } = await show()
  look('org/other@v1')
  const url = 'https://huggingface.co/org/other/resolve/v1'
  await expect.poll(text).toMatch(/org\/other@v1: LlavaForConditionalGeneration, 1(\.0)? MiB to load/)
  expect(calls).toEqual([[{ url }, 'policy']])
  click(/^Use it/)
  expect(calls.at(-1)).toEqual({ role: 'policy', model: url })
})

test('one that lacks files cannot be used, and what is no name is not asked for', async () => {
  const { calls, text, look, find } = await show(['onnx/vision_encoder.onnx'])
  look('no name at all')
  expect(calls).toEqual([])
  look('org/other')
  await expect.poll(text).toContain('It cannot be used: it has no onnx/vision_encoder.onnx.')
  expect(find('button.primary')).toEqual([])
})

test('another model than the recipe’s can be given back', async () => {
  const { calls, text, click } = await show([], { ...RECIPE, policy: { source: 'my model' } })
  expect(text()).toContain('a folder on this computer')
  click(/^Back to the recipe’s$/)
  expect(calls).toEqual([RECIPE])
})
