import { render, type TemplateResult } from 'lit'
import { afterEach, describe, expect, test } from 'vitest'
import { parsePairSettings } from '../../src/method/pair-settings.ts'
import type { CardKind } from '../../src/pipeline/run-view.ts'
import type { StepMetrics } from '../../src/ui/views/curve-charts.ts'
import { FIGURE_ROWS } from '../../src/ui/views/figure-rows.ts'
import {
  cardsView,
  comparedFiguresView,
  confusionView,
  curvesView,
  differencesView,
  figuresView,
  funnelView,
  objectsView,
  pairsView,
  recipeView,
  scoresView,
  timesView,
  VIEW_STYLES,
  yesNoView,
} from '../../src/ui/views/index.ts'
import { exampleRound } from '../support/example-round.ts'
import { Random } from '../support/random.ts'
import { exampleRunView } from '../support/run-view.ts'

const view = exampleRunView()
const round = view.rounds[0] as (typeof view.rounds)[number]

afterEach(() => document.body.replaceChildren())

/** A view in a shadow root with the views' styles, as the page's components have it. */
function show(template: TemplateResult): ShadowRoot {
  const host = document.createElement('div')
  const root = host.attachShadow({ mode: 'open' })
  const style = document.createElement('style')
  style.textContent = VIEW_STYLES
  const place = document.createElement('div')
  root.append(style, place)
  document.body.append(host)
  render(template, place)
  return root
}

const textOf = (element: Element | null | undefined): string =>
  element?.textContent?.replace(/\s+/g, ' ').trim() ?? ''
const all = (root: ParentNode, selector: string): Element[] => [...root.querySelectorAll(selector)]

/** Between the middles of two boxes upwards or downwards, in pixels. */
function distance(a: Element, b: Element): number {
  const [first, second] = [a.getBoundingClientRect(), b.getBoundingClientRect()]
  return Math.abs(first.top + first.height / 2 - (second.top + second.height / 2))
}

describe('figures', () => {
  test('stand before, after and changed with intervals, and say what the change means', () => {
    const root = show(figuresView(view.summary))
    const rows = all(root, '.figures table:not(.controls) tbody tr')
    expect(rows.length).toBe(FIGURE_ROWS.length)
    const chair = rows[0] as Element
    expect(all(chair, 'td.number').map(textOf)).toEqual([
      '14.2 12.8 to 15.6',
      '6.1 4.7 to 7.5',
      '−8.1 −9.7 to −6.5',
    ])
    expect(textOf(chair.querySelector('.outcome'))).toBe('✓ better')
    const cover = rows.find((row) => textOf(row.querySelector('th')).startsWith('Cover'))
    expect(textOf(cover?.querySelector('.outcome'))).toBe('≈ within chance')
  })

  test('are explained on focus by one sentence each, which screen readers find', () => {
    const root = show(figuresView(view.summary))
    const words = all(root, '.explained') as HTMLElement[]
    expect(words.length).toBe(FIGURE_ROWS.length + 2)
    for (const word of words) {
      const explanation = root.getElementById(word.getAttribute('aria-describedby') ?? '')
      expect(textOf(explanation)).toMatch(/\.$/)
      expect(getComputedStyle(explanation as Element).display).toBe('none')
      word.focus()
      expect(getComputedStyle(explanation as Element).display).toBe('block')
      word.scrollIntoView({ block: 'center' })
      expect(distance(word, explanation as Element)).toBeLessThan(100)
    }
  })

  test('without what was not measured have no row for it', () => {
    const { yesNo: _, zeroShot: __, amberScore: ___, ...before } = view.summary.before
    const root = show(figuresView({ ...view.summary, before }))
    expect(textOf(root.querySelector('tbody'))).not.toMatch(/accuracy|Zero-shot|AMBER/)
  })
})

test('the funnel has a bar in proportion for every rule, and its examples to unfold', () => {
  const root = show(funnelView(round.funnel, parsePairSettings({ minGap: 4 })))
  const rules = all(root, '.funnel > li')
  expect(rules.length).toBe(round.funnel.length)
  const settings = all(root, '.funnel .name small').map(textOf)
  expect(settings).toEqual(expect.arrayContaining(['at least 4', 'at least 0.6']))
  const [duplicates] = rules
  expect(textOf(duplicates)).toContain('2,048 candidates: 331 removed, 1,717 left')
  const width = (selector: string): number =>
    duplicates?.querySelector(selector)?.getBoundingClientRect().width ?? 0
  expect(width('.removed') / width('.bar')).toBeCloseTo(331 / 2048, 2)
  expect(width('.remained') / width('.bar')).toBeCloseTo(1717 / 2048, 2)
  const details = duplicates?.querySelector('details') as HTMLDetailsElement
  expect(details.open).toBe(false)
  expect(textOf(details)).toContain('the same as policy’s answer 0')
  expect(rules[3]?.querySelector('details')).toBeNull() // nothing was removed
})

test('histograms draw as many bars as bins with values, outlines, the limit, and say what they show', () => {
  const root = show(scoresView(round.scores))
  const [scores, gaps] = all(root, 'svg[role=img]')
  const counts = round.scores.scores?.series.all.counts ?? []
  expect(all(scores as Element, '[data-mark=rect] rect').length).toBe(counts.length)
  expect(all(scores as Element, '[data-mark=line] path').length).toBe(2)
  expect(all(scores as Element, '.zone').length).toBe(counts.length)
  expect(scores?.getAttribute('aria-label')).toMatch(
    /^Scores of candidates: all 2,048, median 2\d\.\d; chosen 412/,
  )
  expect(textOf(gaps?.previousElementSibling)).toContain('least gap 4')
})

describe('curves', () => {
  test('are smoothed over their ghosts, and every strip under the pointer reads all of a step', () => {
    const root = show(curvesView(round.metrics))
    const charts = all(root, 'svg[role=img]')
    expect(all(root, '.curve .title').map((head) => textOf(head).split(' ')[0])).toEqual([
      'loss',
      'rewards/margins',
      'rewards/accuracies',
      'logps',
      'grad_norm',
      'learning_rate',
    ])
    expect(charts.map((chart) => all(chart, '[data-mark=line] path').length)).toEqual([2, 2, 2, 4, 2, 1])
    const title = charts[0]?.querySelector('.zone title')?.textContent ?? ''
    for (const name of [
      'step',
      'loss',
      'rewards/margins',
      'logps/chosen',
      'logps/rejected',
      'grad_norm',
      'learning_rate',
      'entropy',
      'num_tokens',
    ])
      expect(title).toContain(name)
    const last = round.metrics.at(-1)
    expect(all(charts[0] as Element, '.zone title').at(-1)?.textContent).toContain(`step ${last?.step}`)
  })

  test('of few steps have their points and no ghost', () => {
    const root = show(curvesView(round.metrics.slice(0, 4)))
    const [loss] = all(root, 'svg[role=img]')
    expect(all(loss as Element, '[data-mark=line] path').length).toBe(1)
    expect(all(loss as Element, '[data-mark=dot] circle').length).toBe(4)
  })

  test('of other runs lie under them, told apart by dashes and named', () => {
    const others = ['run 2', 'run 3'].map((name) => ({
      name,
      metrics: exampleRound(new Random(name.length), 80).metrics,
    }))
    const root = show(curvesView(round.metrics, { others }))
    const [loss, , , logps] = all(root, 'svg[role=img]')
    const dashes = all(loss as Element, '[data-mark=line]').map((line) =>
      line.getAttribute('stroke-dasharray'),
    )
    expect(dashes).toEqual(['1 3', '9 3', null, null]) // the others, the ghost, the curve
    expect(all(logps as Element, '[data-mark=line] path').length).toBe(8)
    expect(all(root, '.legend li').map(textOf)).toEqual(['this run', 'run 2', 'run 3'])
  })

  test('have the level of no preference only where the loss begins there', () => {
    const [first, ...later] = round.metrics as [StepMetrics, ...StepMetrics[]]
    const noteOf = (loss: number) =>
      textOf(show(curvesView([{ ...first, loss }, ...later])).querySelector('.note'))
    expect(noteOf(Math.LN2)).toContain('Dotted: log 2')
    expect(noteOf(1.1)).not.toContain('Dotted')
  })

  test('of no steps say so', () => {
    expect(textOf(show(curvesView([])).querySelector('.note'))).toBe('No step has been taken yet.')
  })
})

describe('cards', () => {
  const isShown = (element: Element): boolean => getComputedStyle(element).display !== 'none'

  test('mark invented words struck out and grounded ones underlined, not by colour alone', () => {
    const root = show(cardsView(view.cards))
    const invented = root.querySelector('.said .hallucinated') as Element
    const grounded = root.querySelector('.said .grounded') as Element
    expect(invented.tagName).toBe('DEL')
    expect(getComputedStyle(invented).textDecorationLine).toBe('line-through')
    expect(getComputedStyle(grounded).textDecorationLine).toBe('underline')
    expect(textOf(invented)).toMatch(/^invented: \w+/) // for screen readers
  })

  test.each(['fixed', 'broken', 'both', 'clean'] as const)('filtered by %s show these alone', (change) => {
    const root = show(cardsView(view.cards))
    const cards = all(root, '.card')
    expect(cards.every(isShown)).toBe(true)
    const radio = root.querySelector(`input[value=${change}]`) as HTMLInputElement
    radio.click()
    const shown = cards.filter(isShown)
    expect(shown).toEqual(cards.filter((card) => card.getAttribute('data-change') === change))
    expect(shown.length).toBe(view.cards.cards.filter((card) => card.change === change).length)
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.length).toBeLessThan(cards.length)
    expect(textOf(radio.parentElement)).toContain(String(view.cards.counts[change]))
  })

  test('of a kind that no picture is say so', () => {
    const root = show(
      cardsView({ ...view.cards, cards: view.cards.cards.filter(({ change }) => change !== 'broken') }),
    )
    const none = root.querySelector('.none-of-kind') as Element
    expect(isShown(none)).toBe(false)
    ;(root.querySelector('input[value=broken]') as HTMLInputElement).click()
    expect(isShown(none)).toBe(true)
  })

  test.each(['all', 'broken'] satisfies CardKind[])('begin with the filter they are given: %s', (filter) => {
    const root = show(cardsView(view.cards, filter))
    expect((root.querySelector('input:checked') as HTMLInputElement).value).toBe(filter)
  })
})

test('objects stand with the worst first and what seduces the model to them', () => {
  const root = show(objectsView(view.objects))
  const [cat] = all(root, 'tbody tr')
  expect(textOf(cat)).toBe('cat 24× 40% of 60 9× 16% of 58 pizza 18 of 30 such pictures, 4% of others')
  expect(all(root, 'tbody tr').length).toBe(view.objects.before.filter(({ flagged }) => flagged > 0).length)
  expect(all(show(objectsView(view.objects, 3)), 'tbody tr').length).toBe(3)
})

test('pairs highlight the words in which they differ, and those alone', () => {
  const root = show(pairsView(round.pairs))
  const [first] = all(root, 'tbody tr')
  expect(all(first as Element, 'mark.chosen').map(textOf)).toEqual(['on the left'])
  expect(all(first as Element, 'mark.rejected').map(textOf)).toEqual([expect.stringMatching(/^and a \w+$/)])
  expect(textOf(root.querySelector('.note'))).toBe('12 of 412 pairs, drawn at random, the widest gap first.')
})

test('the heat map has a cell for every count, and tells the worst mix-ups', () => {
  const zeroShot = view.zeroShot as NonNullable<typeof view.zeroShot>
  const root = show(confusionView(zeroShot))
  const counts = zeroShot.confusion.flat().filter((count) => count > 0)
  expect(all(root, '[data-mark=cell] rect').length).toBe(counts.length)
  expect(all(root, 'figure > ul > li').map(textOf)).toContain('pizza taken for drum: 2×')
})

test('the heat map of many classes shows those that are mixed up most', () => {
  const zeroShot = view.zeroShot as NonNullable<typeof view.zeroShot>
  const classes = Array.from({ length: 60 }, (_, i) => `thing ${i}`)
  // Number 7 is taken for number 50 three times, all else for itself.
  const confusion = classes.map((_, i) => classes.map((_, j) => (i === 7 && j === 50 ? 3 : i === j ? 5 : 0)))
  const root = show(confusionView({ ...zeroShot, classes, confusion }))
  expect(textOf(root.querySelector('.note'))).toContain('3 named wrongly. Shown are the 24 of 60 things')
  expect(all(root, '[data-mark=cell] title').map(textOf)).toContain('thing 7 taken for thing 50: 3×')
  expect(all(root, '[data-mark=cell] rect').length).toBe(25)
})

test('times, questions and recipe say what they were given', () => {
  expect(all(show(timesView(view.summary)), 'tbody tr').map(textOf)).toContain('train 3 min 28 s 640 MiB')
  expect(all(show(yesNoView(view.yesNo)), 'tbody tr').map(textOf)).toContain(
    'number 210 71.0 70.5 −0.5 60.0 57.0',
  )
  const other = { ...view.recipe, seed: 7 }
  const runs = [
    { id: 'a', name: 'run 1', recipe: view.recipe },
    { id: 'b', name: 'run 2', recipe: { ...other, notes: 'what it is for makes no difference' } },
  ]
  expect(all(show(differencesView(runs)), 'tbody tr').map(textOf)).toEqual(['seed 07'])
  const { before, after } = view.summary
  const figures = show(
    comparedFiguresView([
      { id: 'a', name: 'run 1', figures: { before, after } },
      { id: 'b', name: 'run 2' },
    ]) as TemplateResult,
  )
  expect(textOf(all(figures, 'tbody tr')[0])).toMatch(
    /^CHAIR lower is better [\d.]+ from [\d.]+ ?not measured$/,
  )
  const root = show(recipeView(view.recipe))
  expect(JSON.parse(root.querySelector('pre')?.textContent ?? '')).toEqual(view.recipe)
})

test('colours of texts reach WCAG AA on cards and paper, in light and dark', async () => {
  const { default: theme } = await import('../../src/ui/theme.css?inline')
  for (const scheme of ['light', 'dark']) {
    const style = document.createElement('style')
    style.textContent = `${theme}\n:root { color-scheme: ${scheme} }`
    document.head.append(style)
    const colour = (name: string): number[] => {
      const probe = document.createElement('i')
      probe.style.color = `var(--${name})`
      document.body.append(probe)
      return (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number)
    }
    for (const ink of ['ink', 'ink-soft', 'accent', 'good', 'bad'])
      for (const ground of ['card', 'paper'])
        expect(
          contrast(colour(ink), colour(ground)),
          `${ink} on ${ground}, ${scheme}`,
        ).toBeGreaterThanOrEqual(4.5)
    expect(contrast(colour('line'), colour('card'))).toBeLessThan(4.5) // negative control
    style.remove()
  }
})

/** Contrast ratio of two colours by WCAG 2.2. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (rgb: readonly number[]): number => {
    const [r = 0, g = 0, blue = 0] = rgb.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue
  }
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}
