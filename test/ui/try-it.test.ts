import { afterEach, describe, expect, test } from 'vitest'
import { TryIt } from '../../src/ui/try-it.ts'
import { button, find, textOf } from '../support/elements.ts'

afterEach(() => document.body.replaceChildren())

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

  test('shows both answers as they grow, at the strength that is set', async () => {
    const strengths: number[] = []
    const element = show(async ({ strength, picture }, onAnswer) => {
      expect(picture).toEqual({ hash: 'p' })
      strengths.push(strength)
      onAnswer({ base: { text: 'a dog and' } })
      return { base: { text: 'a dog and a cat' }, tuned: { text: 'a dog' } }
    })
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
