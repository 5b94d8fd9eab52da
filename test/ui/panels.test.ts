import type { LitElement } from 'lit'
import { afterEach, describe, expect, test } from 'vitest'
import type { ListedRun, PairPreview } from '../../src/pipeline/runner.api.ts'
import { PairPanel } from '../../src/ui/pair-panel.ts'
import { type Json, valueAt } from '../../src/ui/recipe-draft.ts'
import { RunList } from '../../src/ui/run-list.ts'
import { StageSettings } from '../../src/ui/stage-settings.ts'
import { TryIt } from '../../src/ui/try-it.ts'

afterEach(() => document.body.replaceChildren())

const textOf = (element: LitElement): string => element.shadowRoot?.textContent?.replace(/\s+/g, ' ') ?? ''
const find = <T extends Element>(element: LitElement, selector: string): T => {
  const found = element.shadowRoot?.querySelector<T>(selector)
  if (!found) throw new Error(`expected ${selector}`)
  return found
}
function button(element: LitElement, text: RegExp): HTMLButtonElement {
  const found = [...(element.shadowRoot?.querySelectorAll('button') ?? [])].find(({ textContent }) =>
    text.test(textContent),
  )
  if (!found) throw new Error(`expected a button ${text}`)
  return found
}

describe('pair panel', () => {
  test('a slider counts anew at once and tells the recipe, without anything being run', async () => {
    const asked: unknown[] = []
    const panel = new PairPanel()
    panel.recipe = { pair: { minGap: 4 } }
    panel.hash = 'scores'
    panel.runner = {
      async previewPairs(_, settings) {
        asked.push(settings)
        const pairs = 10 - ((settings as { minGap?: number }).minGap ?? 0)
        return {
          settings: {},
          candidates: 40,
          pairs,
          funnel: [],
          unmatchedEdits: [],
        } as unknown as PairPreview
      },
    }
    panel.addEventListener('recipe', (event) => {
      panel.recipe = (event as CustomEvent<Json>).detail
    })
    document.body.append(panel)
    await expect.poll(() => textOf(panel)).toContain('6 pairs of 40 candidates')
    const [gap, score] = [
      ...(panel.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type=range]') ?? []),
    ]
    if (!gap || !score) throw new Error('expected sliders')
    gap.value = '7.5'
    gap.dispatchEvent(new Event('input'))
    await expect.poll(() => textOf(panel)).toContain('2.5 pairs')
    expect(asked).toEqual([{ minGap: 4 }, { minGap: 7.5 }])
    // The leftmost place switches the rule off.
    score.value = '20'
    score.dispatchEvent(new Event('input'))
    expect(valueAt(panel.recipe, 'pair.minScore')).toBe(20)
    score.value = score.min
    score.dispatchEvent(new Event('input'))
    expect(valueAt(panel.recipe, 'pair.minScore')).toBeNull()
  })
})

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

describe('runs', () => {
  const RUN: ListedRun = {
    id: 'a',
    name: '<b>demo</b>',
    recipe: {},
    recipeHash: 'h',
    createdAt: 0,
    status: 'done',
    isOpen: false,
    byteLength: 3 * 2 ** 20,
    ownByteLength: 2 ** 20,
  }

  async function show(runs: ListedRun[]) {
    const calls: string[] = []
    const list = new RunList()
    list.runner = {
      list: async () => runs,
      rename: async (id, name) => void calls.push(`rename ${id} ${name}`),
      delete: async (id) => void calls.push(`delete ${id}`),
    }
    document.body.append(list)
    await expect.poll(() => textOf(list)).toContain(runs.length === 0 ? 'None yet' : 'MiB')
    return { list, calls }
  }

  test('are renamed in place and deleted only after a second click', async () => {
    const { list, calls } = await show([RUN])
    expect(list.shadowRoot?.querySelector('b')).toBeNull()
    const name = find<HTMLInputElement>(list, 'input.name')
    expect(name.value).toBe('<b>demo</b>')
    name.value = 'mine'
    name.dispatchEvent(new Event('change'))
    button(list, /^Delete$/).click()
    await list.updateComplete
    expect(calls).toEqual(['rename a mine'])
    button(list, /for good/).click()
    await expect.poll(() => calls).toEqual(['rename a mine', 'delete a'])
  })

  test('tell what each takes, what deleting all of them frees, and how full the browser’s storage is', async () => {
    const { list } = await show([
      RUN,
      { ...RUN, id: 'b', byteLength: 5 * 2 ** 20, ownByteLength: 4 * 2 ** 20 },
    ])
    const cells = [...(list.shadowRoot?.querySelectorAll('td.number') ?? [])]
    expect(cells.map(({ textContent }) => textContent.replace(/\s+/g, ' '))).toEqual([
      '3 MiB 1 MiB its own',
      '5 MiB 4 MiB its own',
    ])
    expect(textOf(list)).toContain('(5 MiB of all runs)')
    expect(textOf(list)).not.toContain('the browser allows')
    list.storage = { usage: 12 * 2 ** 20, quota: 3 * 2 ** 30, isPersisted: true, level: 'ok' }
    await list.updateComplete
    expect(textOf(list)).toContain('All that this page keeps takes 12 MiB; the browser allows 3 GiB.')
  })

  test('are chosen to be compared', async () => {
    const { list } = await show([RUN, { ...RUN, id: 'b', name: 'other' }])
    const told: unknown[] = []
    list.addEventListener('compare', (event) => {
      list.chosen = (event as CustomEvent<string[]>).detail
      told.push(list.chosen)
    })
    const boxes = [...(list.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type=checkbox]') ?? [])]
    boxes[1]?.click()
    await expect.poll(() => textOf(list)).toContain('Choose another run')
    boxes[0]?.click()
    boxes[1]?.click()
    expect(told).toEqual([['b'], ['b', 'a'], ['a']])
  })

  test('are not opened while one is under way', async () => {
    const { list } = await show([RUN])
    const opened: string[] = []
    list.addEventListener('open', (event) => opened.push((event as CustomEvent<string>).detail))
    list.locked = true
    await list.updateComplete
    button(list, /^Open$/).click()
    expect(button(list, /^Open$/).disabled).toBe(true)
    list.locked = false
    await list.updateComplete
    button(list, /^Open$/).click()
    expect(opened).toEqual(['a'])
  })

  test('that are open cannot be deleted; one that was left is broken off', async () => {
    const { list } = await show([
      { ...RUN, status: 'running', isOpen: true },
      { ...RUN, id: 'b', status: 'running' },
    ])
    expect(button(list, /^Delete$/).disabled).toBe(true)
    expect(textOf(list)).toContain('broken off')
  })
})

test('try it shows both answers as they grow, at the strength that is set', async () => {
  const element = new TryIt()
  const strengths: number[] = []
  element.run = 'r'
  element.hash = 'heldout'
  element.prompt = 'Describe this image.'
  element.sources = { site: 'https://example.org/' }
  element.runner = {
    pictures: async () => ({ total: 1, items: [{ name: 'p', hash: 'p', width: 1, height: 1 }] }),
    async ask({ strength, picture }, onAnswer) {
      expect(picture).toEqual({ hash: 'p' })
      strengths.push(strength)
      onAnswer({ base: { text: 'a dog and' } })
      return { base: { text: 'a dog and a cat' }, tuned: { text: 'a dog' } }
    },
    stopAsking: async () => {},
  }
  element.thumbnails = { url: async () => 'data:,' } as never
  document.body.append(element)
  await expect.poll(() => button(element, /Ask both/).disabled).toBe(false)
  button(element, /Ask both/).click()
  const answers = () =>
    [...(element.shadowRoot?.querySelectorAll('answer-text') ?? [])].map((one) =>
      one.shadowRoot?.textContent?.trim(),
    )
  await expect.poll(answers).toEqual(['a dog and a cat', 'a dog'])
  const slider = find<HTMLInputElement>(element, 'input[type=range]')
  expect([slider.min, slider.max]).toEqual(['0', '1.5'])
  slider.value = '1.5'
  slider.dispatchEvent(new Event('input'))
  slider.dispatchEvent(new Event('change'))
  await expect.poll(() => strengths).toEqual([1, 1.5])
})

describe('try it', () => {
  function show(ask: NonNullable<TryIt['runner']>['ask']): TryIt {
    const element = new TryIt()
    element.run = 'r'
    element.hash = 'heldout'
    element.prompt = 'Describe this image.'
    element.sources = { site: 'https://example.org/' }
    const truth = {
      truth: ['cup'],
      hallu: ['spoon'],
      questions: [],
      attributes: [],
      relations: [],
      objects: [],
    }
    element.runner = {
      pictures: async () => ({ total: 1, items: [{ name: 'p', hash: 'p', width: 1, height: 1, truth }] }),
      ask,
      stopAsking: async () => {},
    }
    element.thumbnails = { url: async () => 'data:,' } as never
    document.body.append(element)
    return element
  }

  test('gives what is known of a picture, so that invented words are marked', async () => {
    const element = show(async ({ truth }) => {
      expect(truth).toEqual({ truth: ['cup'], hallu: ['spoon'] })
      const marked = [{ text: 'A ' }, { text: 'spoon', verdict: 'hallucinated' }] as const
      return { base: { text: 'A spoon', marked }, tuned: { text: 'A cup' } }
    })
    await expect.poll(() => button(element, /Ask both/).disabled).toBe(false)
    button(element, /Ask both/).click()
    const answers = () => [...(element.shadowRoot?.querySelectorAll('answer-text') ?? [])]
    await expect.poll(() => answers()[0]?.shadowRoot?.querySelector('del')?.textContent).toContain('spoon')
  })

  test('tells how much of the model is loaded, and is stopped without a complaint', async () => {
    let isStopped = false
    const element = show(async (_, onAnswer) => {
      onAnswer({ loading: { what: 'a model', done: 1, total: 4 } })
      await expect.poll(() => isStopped).toBe(true)
      throw new DOMException('stopped', 'AbortError')
    })
    ;(element.runner as NonNullable<TryIt['runner']>).stopAsking = async () => {
      isStopped = true
    }
    await expect.poll(() => button(element, /Ask both/).disabled).toBe(false)
    button(element, /Ask both/).click()
    await expect.poll(() => textOf(element)).toContain('Loading a model: 25%')
    button(element, /Stop/).click()
    await expect.poll(() => button(element, /Ask both/).disabled).toBe(false)
    expect(textOf(element)).not.toContain('Loading')
    expect(element.shadowRoot?.querySelector('[role=alert]')).toBeNull()
  })

  test('a pasted picture is asked about at once, of which nothing is known', async () => {
    const asked: unknown[] = []
    const element = show(async ({ picture, truth }) => {
      asked.push(picture, truth)
      return { base: { text: 'a' }, tuned: { text: 'b' } }
    })
    await expect.poll(() => button(element, /Ask both/).disabled).toBe(false)
    const clipboardData = new DataTransfer()
    const file = new File(['x'], 'pasted.png', { type: 'image/png' })
    clipboardData.items.add(file)
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
    await expect.poll(() => asked).toEqual([{ name: 'pasted.png', blob: expect.any(File) }, undefined])
    await element.updateComplete
    expect(find<HTMLImageElement>(element, 'img').alt).toBe('pasted.png')
    // Text that is pasted elsewhere is none of its business.
    const text = new DataTransfer()
    text.setData('text/plain', 'hello')
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: text, bubbles: true }))
    expect(asked).toHaveLength(2)
  })
})
