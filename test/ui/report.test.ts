import { afterEach, describe, expect, test } from 'vitest'
import type { RunView } from '../../src/pipeline/run-view.ts'
import { renderReport } from '../../src/ui/report.ts'
import { runOfReport } from '../../src/ui/report-data.ts'
import { yesNoFigures } from '../support/example-figures.ts'
import { exampleRunView } from '../support/run-view.ts'

const view = exampleRunView()

/** A report as a browser reads it, without showing it. */
function read(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html')
}

afterEach(() => document.body.replaceChildren())

describe('a report', () => {
  const html = renderReport(view)
  const page = read(html)

  test('has every view under a heading that its contents lead to', () => {
    const links = [...page.querySelectorAll('nav a')].map((link) => link.getAttribute('href') ?? '')
    expect(links.length).toBe(11)
    for (const link of links) expect(page.querySelector(`${link} > h2`)?.textContent).not.toBe('')
    expect(page.title).toBe('clip-dpo: demo')
    expect(page.documentElement.lang).toBe('en')
  })

  test('needs nothing beside it: no script, no address outside, no mark of its templates', () => {
    expect(page.querySelectorAll('script, link, iframe, object, embed, base')).toHaveLength(0)
    expect(externalAddresses(page)).toEqual([])
    expect(html).not.toMatch(/<!--|lit\$|@import/)
    const style = [...page.querySelectorAll('style')].map(({ textContent }) => textContent).join()
    expect(style).toContain('--accent') // styles are inline
    expect(style).not.toMatch(/url\(|https?:/)
    expect(
      page.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content'),
    ).toContain("default-src 'none'")
  })

  test('negative control: an address outside is found', () => {
    const other = read(html.replace(/src="data:[^"]*"/, 'src="https://example.org/a.png"'))
    expect(externalAddresses(other)).toEqual(['https://example.org/a.png'])
  })

  test('names every picture, chart and table for those who do not see it', () => {
    for (const image of page.querySelectorAll('img')) expect(image.hasAttribute('alt')).toBe(true)
    for (const image of page.querySelectorAll('.card img'))
      expect(image.getAttribute('alt')).toMatch(/^shows \w/)
    for (const svg of page.querySelectorAll('svg'))
      expect(svg.getAttribute('aria-label') ?? svg.getAttribute('aria-hidden')).toBeTruthy()
    expect(page.querySelectorAll('svg g[aria-label]')).toHaveLength(0) // labels without a role
    for (const table of page.querySelectorAll('table')) {
      expect(table.querySelectorAll('thead th[scope=col]').length).toBeGreaterThan(1)
      for (const row of table.querySelectorAll('tbody tr'))
        expect(row.querySelector('th[scope=row]')).not.toBeNull()
    }
    const ids = [...page.querySelectorAll('[id]')].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('says which pictures its figures are of', () => {
    const said = (images: RunView['summary']['images']): string =>
      read(renderReport({ ...view, summary: { ...view.summary, images } })).querySelector('header')
        ?.textContent ?? ''
    expect(said({ train: 256, evaluated: 400, source: 'embedded:emoji-scenes/heldout' })).toContain(
      'on 400 emoji scenes the model was not trained on.',
    )
    expect(said({ train: 256, evaluated: 400, source: '../coco', trainedOn: 12 })).toContain(
      'on 400 pictures, 12 of which the model was trained on (../coco).',
    )
  })

  test('names all models of the run by their hashes', () => {
    const said = (others: Partial<RunView['summary']['modelHashes']>): string => {
      const modelHashes = { policy: 'p', clip: 'c', ...others }
      const other = read(renderReport({ ...view, summary: { ...view.summary, modelHashes } }))
      return other.querySelector('footer')?.textContent?.trim() ?? ''
    }
    expect(said({})).toMatch(/Policy pCLIP cPictures d{64}$/)
    expect(said({ captioners: ['a', 'b'], writer: 'w' })).toMatch(
      /Policy pCLIP cCaptioner 0 aCaptioner 1 bWriter wPictures d{64}$/,
    )
  })

  test('keeps the run, to be read again', () => {
    expect(runOfReport(html)).toEqual(JSON.parse(JSON.stringify(view)))
    expect(page.body.textContent).not.toContain('"recipe":')
  })

  test('tells rounds apart', () => {
    const [round] = view.rounds
    if (!round) throw new Error('expected a round in the example')
    const two = read(renderReport({ ...view, rounds: [round, { ...round, round: 2 }] }))
    expect([...two.querySelectorAll('#training h3')].map(({ textContent }) => textContent)).toEqual([
      'Round 1',
      'Round 2',
    ])
    const ids = [...two.querySelectorAll('[id]')].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('hostile texts', () => {
  const attack =
    '</style></title><img src=x onerror="globalThis.hacked = 1"><script>globalThis.hacked = 1</script>"\'&lt;'

  test('stay texts, wherever they come from', async () => {
    const page = read(renderReport(hostile(view, attack)))
    expect(page.querySelectorAll('script')).toHaveLength(0)
    expect([...page.querySelectorAll('img')].every((image) => image.src.startsWith('data:'))).toBe(true)
    expect(
      [...page.querySelectorAll('*')]
        .flatMap(({ attributes }) => [...attributes])
        .filter(({ name }) => name.startsWith('on')),
    ).toEqual([])
    for (const place of [
      'h1',
      '.card .said',
      '.card small',
      '.pairs td',
      '.funnel q',
      '.objects tbody th',
      '.verdicts li',
      '.recipe pre',
    ])
      expect(page.querySelector(`main ${place}`)?.textContent, place).toContain(
        place === '.recipe pre' ? '<script>' : attack,
      )
    expect(page.title).toContain(attack)
  })

  test('come back from a report as they were', () => {
    const kept = runOfReport(renderReport(hostile(view, attack)))
    expect(kept.recipe.name).toBe(attack)
  })

  test('do nothing in a page that runs scripts and has no policy', async () => {
    const bare = renderReport(hostile(view, attack)).replace(/<meta http-equiv[^>]*>/, '')
    expect(await isHacked(bare)).toBe(false)
    expect(await isHacked(bare.replace('<main>', '<main><img src=x onerror="globalThis.hacked = 1">'))).toBe(
      true,
    ) // negative control
  })
})

/** Whether a document's scripts ran when it was shown. */
async function isHacked(html: string): Promise<boolean> {
  const frame = document.createElement('iframe')
  frame.srcdoc = html
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  document.body.append(frame)
  await loaded // pictures are there by then, or failed
  return (frame.contentWindow as unknown as { hacked?: number }).hacked !== undefined
}

/** The same run with a text in every place where data comes in. */
function hostile(run: RunView, text: string): RunView {
  const [round] = run.rounds
  const [card] = run.cards.cards
  const [pair] = round?.pairs.pairs ?? []
  const [step] = round?.funnel ?? []
  if (!round || !card || !pair || !step) throw new Error('expected a card, a pair and a rule in the example')
  const marked = [
    { text },
    { text, verdict: 'hallucinated' as const },
    { text, verdict: 'grounded' as const },
  ]
  const object = { noun: text, mentions: 3, flagged: 2, rate: 66 }
  return {
    ...run,
    recipe: { ...run.recipe, name: text, notes: text },
    summary: { ...run.summary, verdicts: [text], stages: { [text]: { hash: text, seconds: 1 } } },
    rounds: [
      {
        ...round,
        funnel: [{ ...step, rule: text, examples: [{ image: text, text, why: text }] }],
        pairs: {
          count: 1,
          pairs: [
            {
              ...pair,
              images: [text],
              prompt: text,
              chosen: text,
              rejected: `${text} or`,
              context: text,
              rule: text,
            },
          ],
        },
      },
    ],
    cards: { ...run.cards, cards: [{ ...card, image: text, truth: [text], before: marked, after: marked }] },
    objects: {
      before: [object],
      after: [object],
      coOccurrences: [{ noun: text, beside: text, images: 9, invented: 5, rate: 50, rateElsewhere: 1 }],
    },
    yesNo: [{ kind: text, questions: 1, before: yesNoFigures(1, 1), after: yesNoFigures(1, 1) }],
  }
}

/** Addresses that a browser would fetch or follow, but for those inside the document. */
function externalAddresses(page: Document): string[] {
  const names = ['src', 'href', 'xlink:href', 'srcset', 'action', 'poster', 'data']
  return [...page.querySelectorAll('*')]
    .flatMap((element) => names.flatMap((name) => element.getAttribute(name) ?? []))
    .filter((address) => !address.startsWith('#') && !address.startsWith('data:image/'))
}
