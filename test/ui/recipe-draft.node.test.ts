import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import {
  type Json,
  modelTexts,
  OWN_MODELS,
  onModel,
  ownModelsOf,
  valueAt,
  withChosenModels,
  withValueAt,
  withValuesOf,
} from '../../src/ui/recipe-draft.ts'
import { recipeFragment, recipeOfFragment } from '../../src/ui/recipe-link.ts'
import { fieldText, fieldValue, type SettingField, switchValue } from '../../src/ui/setting-field.ts'
import { SETTINGS } from '../../src/ui/settings.ts'

const demo = JSON.parse(readFileSync('recipes/demo.json', 'utf8')) as Json

test('values are read and set by path, the rest stays as it was', () => {
  expect(valueAt(demo, 'train.peft.r')).toBe(8)
  expect(valueAt(demo, 'train.nothing.r')).toBeUndefined()
  const changed = withValueAt(demo, 'train.peft.r', 16)
  expect(valueAt(changed, 'train.peft.r')).toBe(16)
  expect(valueAt(demo, 'train.peft.r')).toBe(8)
  expect(withValueAt(changed, 'train.peft.r', 8)).toEqual(demo)
  expect(valueAt(withValueAt(demo, 'pair.minScore', 3), 'pair')).toMatchObject({ minGap: 4, minScore: 3 })
  expect('limit' in (valueAt(withValueAt(demo, 'dataset.limit', undefined), 'dataset') as object)).toBe(false)
})

test('reset takes a stage’s settings from another recipe, and no others', () => {
  const changed = withValueAt(withValueAt(demo, 'pair.minGap', 9), 'caption.samples', 1)
  const reset = withValuesOf(changed, demo, ['pair.minGap', 'pair.minScore'])
  expect(reset).toEqual(withValueAt(demo, 'caption.samples', 1))
})

test('a recipe survives an address', async () => {
  const fragment = await recipeFragment(demo)
  expect(fragment).toMatch(/^#recipe=[\w-]+$/)
  expect(fragment.length).toBeLessThan(1000)
  expect((await recipeOfFragment(fragment))?.recipe).toEqual(demo)
  expect(await recipeOfFragment('')).toBeUndefined()
  expect(await recipeOfFragment('#runs')).toBeUndefined()
})

test('a link that was cut off says so', async () => {
  const fragment = await recipeFragment(demo)
  await expect(recipeOfFragment(fragment.slice(0, 60))).rejects.toThrow(/cut off or changed/)
  await expect(recipeOfFragment('#recipe=%%')).rejects.toThrow(/cut off or changed/)
})

test('every setting is one that recipes have, and its field gives values that they take', () => {
  for (const field of Object.values(SETTINGS).flat()) {
    const own = valueAt(demo, field.path)
    const value = field.kind === 'choice' ? field.choices?.[0] : (own ?? field.min)
    const text = Array.isArray(value) ? value.join('\n') : String(value)
    const set = field.kind === 'switch' ? switchValue(field, true) : fieldValue(field, text)
    expect(() => parseRecipe(withValueAt(demo, field.path, set)), field.path).not.toThrow()
    // A path that recipes do not have is an error of theirs.
    expect(() => parseRecipe(withValueAt(demo, `${field.path}X`, 1)), field.path).toThrow()
  }
})

test('an empty field is the default, or null where that means something', () => {
  const [limit] = SETTINGS.dataset
  const most = SETTINGS.pair.find(({ path }) => path === 'pair.maxPairsPerImage')
  if (!limit || !most) throw new Error('expected both settings')
  expect(fieldValue(limit, ' ')).toBeUndefined()
  expect(fieldValue(most, '')).toBeNull()
  expect(fieldValue(limit, '12')).toBe(12)
  expect(fieldValue(limit, 'x')).toBeNaN()
})

test('questions are asked or not, and a text model for them keeps how it is asked', () => {
  const field = (path: string): SettingField => {
    const found = SETTINGS.caption.find((other) => other.path === path)
    if (!found) throw new Error(`expected a field ${path}`)
    return found
  }
  const questions = field('caption.questions')
  const on = withValueAt(demo, questions.path, switchValue(questions, true))
  expect(parseRecipe(on).caption.questions).toMatchObject({ perImage: null, writer: null })
  expect(withValueAt(on, questions.path, switchValue(questions, false))).toEqual(demo)
  expect([on, demo].map((recipe) => fieldText(questions, valueAt(recipe, questions.path)))).toEqual([
    'on',
    '',
  ])

  const writer = field('caption.questions.writer')
  const known = { source: 'a', sha256: 'b'.repeat(64), prompt: 'Ask about {captions}', weights: 'int8' }
  expect(fieldValue(writer, ' Qwen/Qwen3-0.6B ', known)).toEqual({
    source: 'Qwen/Qwen3-0.6B',
    prompt: known.prompt,
    weights: 'int8',
  })
  expect(fieldText(writer, known)).toBe('a')
  expect(fieldValue(writer, '', known)).toBeUndefined()
})

test('another model comes without the hash of the one before, and with settings that such a one takes', () => {
  const recipe = {
    policy: { source: 'embedded:emoji-llava', sha256: 'a'.repeat(64), weights: 'f16' },
    clip: { source: 'embedded:emoji-clip' },
    pair: { minGap: 4, maxImageText: 0, reach: 2 },
    train: { learning_rate: 0.002, beta: 0.1, peft: { r: 8, target_modules: '.*language_model.*' } },
  }
  const source = 'https://huggingface.co/org/name/resolve/main'
  expect(onModel(recipe, { role: 'policy', source })).toEqual({
    ...recipe,
    policy: { source, weights: 'f16' },
    train: { learning_rate: 1e-5, beta: 0.1, peft: { r: 8, target_modules: 'all-linear' } },
  })
  const clip = { role: 'clip', source: OWN_MODELS.clip, sha256: 'b'.repeat(64) } as const
  expect(onModel(recipe, clip)).toEqual({
    ...recipe,
    clip: { source: OWN_MODELS.clip, sha256: clip.sha256 },
    pair: { minGap: 2, maxImageText: null, reach: 2 },
  })
  expect(ownModelsOf(onModel(recipe, clip))).toEqual([clip])
  expect(ownModelsOf(recipe)).toEqual([])
  expect(parseRecipe(onModel(onModel(demo, { role: 'policy', source }), clip)).pair.maxImageText).toBeNull()
})

test('it is said what was set for another model, as long as it is so', () => {
  const other = onModel(onModel(demo, { role: 'policy', source: 'org/name' }), {
    role: 'clip',
    source: 'org/clip',
  })
  expect(modelTexts(demo)).toEqual([])
  expect(modelTexts(other)).toEqual([
    expect.stringMatching(
      /^With org\/name in place of the page’s own model\. Set for it: a learning rate of 0\.00001/,
    ),
    expect.stringMatching(
      /^With org\/clip in place of the page’s own CLIP\. Set for it: the paper’s gap of 2/,
    ),
  ])
  expect(modelTexts(withValueAt(other, 'train.learning_rate', 2e-6))[0]).toBe(
    'With org/name in place of the page’s own model.',
  )
})

test('another recipe takes over the models that were chosen, but no folder that is not there', () => {
  const smoke = JSON.parse(readFileSync('recipes/smoke.json', 'utf8')) as Json
  const [policy, clip] = [
    { role: 'policy', source: 'org/name' },
    { role: 'clip', source: OWN_MODELS.clip, sha256: 'b'.repeat(64) },
  ] as const
  const chosen = onModel(onModel(demo, policy), clip)
  expect(withChosenModels(smoke, chosen, ['clip'])).toEqual(onModel(onModel(smoke, policy), clip))
  expect(withChosenModels(smoke, chosen, [])).toEqual(onModel(smoke, policy))
  expect(withChosenModels(smoke, demo, ['policy', 'clip'])).toEqual(smoke)
})
