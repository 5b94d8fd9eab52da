import { afterEach, describe, expect, test } from 'vitest'
import { type Json, valueAt } from '../../src/ui/recipe-draft.ts'
import { StageSettings } from '../../src/ui/stage-settings.ts'
import { button, find, textOf } from '../support/elements.ts'

afterEach(() => document.body.replaceChildren())

describe('settings', () => {
  function show(recipe: Json) {
    const settings = new StageSettings()
    settings.stage = 'caption'
    settings.recipe = recipe
    settings.defaults = { caption: { samples: 7, prompts: ['a'] } }
    settings.addEventListener('recipe', (event) => {
      settings.recipe = (event as CustomEvent<Json>).detail
    })
    document.body.append(settings)
    return settings
  }

  test('a field changes the recipe, and reset takes it back', async () => {
    const settings = show({ name: 'x', caption: { samples: 7, prompts: ['a'] } })
    await settings.updateComplete
    const [samples] = [
      ...(settings.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type=number]') ?? []),
    ]
    if (!samples) throw new Error('expected a field')
    samples.value = '3'
    samples.dispatchEvent(new Event('change'))
    await settings.updateComplete
    expect(settings.recipe).toEqual({ name: 'x', caption: { samples: 3, prompts: ['a'] } })
    expect(textOf(settings)).toContain('(1 changed)')
    button(settings, /Reset/).click()
    expect(settings.recipe).toEqual({ name: 'x', caption: { samples: 7, prompts: ['a'] } })
  })

  test('a choice shows what the recipe has, also after reset', async () => {
    const settings = show({ caption: { samples: 7, prompts: ['a'] } })
    await settings.updateComplete
    const select = find<HTMLSelectElement>(settings, "label[title^='caption.unit:'] select")
    expect(select.value).toBe('answer')
    for (const choice of ['sentence', 'answer', 'sentence']) {
      select.value = choice // as a visitor picks it: from then on the option heeds no attribute
      select.dispatchEvent(new Event('change'))
      await settings.updateComplete
      expect([select.value, valueAt(settings.recipe, 'caption.unit')]).toEqual([choice, choice])
    }
    button(settings, /Reset/).click()
    await settings.updateComplete
    expect([select.value, valueAt(settings.recipe, 'caption.unit')]).toEqual(['answer', undefined])
  })

  test('one loss alone goes without the weights of several', async () => {
    const settings = show({ train: { loss_type: ['sigmoid', 'sft'], loss_weights: [1, 0.5], beta: 0.2 } })
    settings.stage = 'train'
    await settings.updateComplete
    const select = find<HTMLSelectElement>(settings, "label[title^='train.loss_type:'] select")
    expect(select.selectedOptions[0]?.textContent).toBe('sigmoid + sft')
    expect([...select.options].map(({ text }) => text)).toEqual(
      expect.arrayContaining(['exo_pair', 'aot', 'sft']),
    )
    select.value = 'robust'
    select.dispatchEvent(new Event('change'))
    expect(settings.recipe).toEqual({ train: { loss_type: 'robust', beta: 0.2 } })
  })

  test('questions are switched on, and only then asked about further', async () => {
    const settings = show({ caption: { samples: 7, prompts: ['a'] } })
    const field = (path: string): HTMLInputElement | null | undefined =>
      settings.shadowRoot?.querySelector<HTMLInputElement>(`label[title^='${path}:'] input`)
    await settings.updateComplete
    expect(field('caption.questions.writer')).toBeNull()
    expect(field('caption.questions')?.checked).toBe(false)
    field('caption.questions')?.click()
    await settings.updateComplete
    const writer = field('caption.questions.writer')
    if (!writer) throw new Error('expected a field for the writer')
    writer.value = 'org/name'
    writer.dispatchEvent(new Event('change'))
    await settings.updateComplete
    expect(valueAt(settings.recipe, 'caption.questions')).toEqual({ writer: { source: 'org/name' } })
    expect(textOf(settings)).toContain('(2 changed)')
    button(settings, /Reset/).click()
    expect(settings.recipe).toEqual({ caption: { samples: 7, prompts: ['a'] } })
  })

  test('every field has a name and says what it means', async () => {
    const settings = show({ caption: { questions: {} } })
    await settings.updateComplete
    for (const control of settings.shadowRoot?.querySelectorAll('input, select, textarea') ?? []) {
      const label = control.closest('label')
      expect(label?.querySelector('span')?.textContent).not.toBe('')
      expect(label?.title).toMatch(/^(caption|policy)\.[\w.]+: ./)
    }
  })
})
