import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
import { interval, line, meanAndSpread, rule, signed } from './format.ts'
import { HELD_OUT, type QualityRow } from './quality.ts'
import { VARIANTS } from './variants.ts'

type Of = (table: MetricTable) => Estimate | undefined

const FIGURES: readonly (readonly [label: string, of: Of, isLoss?: boolean])[] = [
  ['CHAIR: nouns that are invented, %', ({ chair }) => chair],
  ['Hal: captions that invent something, %', ({ hal }) => hal],
  ['Cog: tempting nouns invented, %', ({ cog }) => cog],
  ['Cover: things mentioned, %', ({ cover }) => cover],
  ['words', ({ meanLength }) => meanLength],
  ['yes/no accuracy, %', ({ yesNo }) => yesNo?.accuracy],
  ['yes-rate, %', ({ yesNo }) => yesNo?.yesRate],
  ['zero-shot top-1 by caption, %', ({ zeroShot }) => zeroShot?.top1],
  ['loss on true captions, nats a token', ({ cleanLoss }) => cleanLoss, true],
]

/** The demo's figures on the held-out pictures: before, after, the first seed's change with its interval, and the other seeds. */
export function demoTable(rows: readonly QualityRow[]): string {
  const [first, ...others] = rows.filter(({ name }) => name === HELD_OUT)
  if (!first) throw new RangeError('results: expected the demo on the held-out pictures, found none')
  const seeds = others.map(({ seed }) => seed).join(' / ')
  const lines = FIGURES.flatMap(([label, of, isLoss]) => {
    const [before, after, delta] = [of(first.before), of(first.after), of(first.delta)]
    if (!before || !after || !delta) return []
    const digits = isLoss ? 2 : 1
    const change = isLoss
      ? `${signed(delta.value)}% [${delta.low.toFixed(1)}, ${delta.high.toFixed(1)}]`
      : interval(delta)
    const rest = others.map((row) =>
      isLoss ? `${signed(of(row.delta)?.value ?? 0)}%` : (of(row.after)?.value.toFixed(1) ?? ''),
    )
    const cells = [label, before.value.toFixed(digits), after.value.toFixed(digits), change, rest.join(' / ')]
    return [line(cells)]
  })
  const head = ['', 'before', `after, seed ${first.seed}`, 'change', `after, seeds ${seeds}`]
  return [line(head), rule(head.length), ...lines].join('\n')
}

const COLUMNS: readonly (readonly [label: string, of: Of])[] = [
  ['CHAIR', ({ chair }) => chair],
  ['Hal', ({ hal }) => hal],
  ['Cog', ({ cog }) => cog],
  ['Cover', ({ cover }) => cover],
  ['words', ({ meanLength }) => meanLength],
  ['yes/no accuracy', ({ yesNo }) => yesNo?.accuracy],
]

/**
 * The variants on `dev`: mean and spread over their seeds, by how much the loss on true captions changed, CHAIR at the Cover of
 * control C seed by seed, and in how many seeds both truncation controls were beaten.
 */
export function variantTable(rows: readonly QualityRow[]): string {
  const labels = COLUMNS.map(([label]) => label)
  const head = [
    '',
    'seeds',
    ...labels,
    'change of loss, %',
    'CHAIR less control C, by seed',
    'both controls beaten',
  ]
  const demo = rows.filter(({ name }) => name === 'demo')
  const before = ['before', '', ...COLUMNS.map(([, of]) => meanOf(demo, ({ before }) => of(before)))]
  const lines = Object.entries(VARIANTS).flatMap(([name, { label }]) => {
    const own = rows.filter((row) => row.name === name)
    if (own.length === 0) return []
    const beaten = own.filter(({ controls }) => controls?.verdict.beatsC && controls.verdict.beatsL).length
    return [
      line([
        label,
        `${own.length}`,
        ...COLUMNS.map(([, of]) => meanOf(own, ({ after }) => of(after))),
        meanOf(own, ({ delta }) => delta.cleanLoss),
        own.map(({ controls }) => (controls ? interval(controls.C.tunedMinus.chair) : '–')).join(' / '),
        `${beaten} of ${own.length}`,
      ]),
    ]
  })
  return [line(head), rule(head.length), line([...before, '', '', '']), ...lines].join('\n')
}

function meanOf(rows: readonly QualityRow[], of: (row: QualityRow) => Estimate | undefined): string {
  const values = rows.flatMap((row) => of(row)?.value ?? [])
  return values.length > 0 ? meanAndSpread(values, 1) : '–'
}
