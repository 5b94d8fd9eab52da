import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
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

/** How much of CHAIR, Hal, Cog goes, and what becomes of the rest: mean and spread over the demo's seeds, a sentence. */
export function demoSpread(rows: readonly QualityRow[]): string {
  const own = rows.filter(({ name }) => name === HELD_OUT)
  const falls = (of: Of): string => {
    const shares = own.map(
      ({ before, after }) => 100 * (1 - (of(after)?.value ?? 0) / (of(before)?.value ?? 1)),
    )
    return meanAndSpread(shares, 0)
  }
  return `Over ${own.length} seeds CHAIR falls by ${falls(({ chair }) => chair)}%, Hal by ${falls(({ hal }) => hal)}% and Cog by ${falls(({ cog }) => cog)}% (mean and spread)`
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
 * The variants on `dev`: mean and spread over their seeds, by how much the loss on true captions changed, and in how many seeds
 * both truncation controls were beaten.
 */
export function variantTable(rows: readonly QualityRow[]): string {
  const labels = COLUMNS.map(([label]) => label)
  const head = ['', 'seeds', ...labels, 'change of loss, %', 'CHAIR less control C', 'both controls beaten']
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
        meanOf(own, ({ controls }) => controls?.C.tunedMinus.chair),
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

/** "1.9 ± 0.3", the spread being the standard deviation; a single value alone, and equal ones. */
function meanAndSpread(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const spread = values.length > 1 ? Math.sqrt(variance).toFixed(digits) : '0'
  const text = withoutMinusZero(mean.toFixed(digits))
  return Number(spread) === 0 ? text : `${text} ± ${spread}`
}

/** A row of a Markdown table. */
export function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |')
}

/** What stands between a table's head and its rows. */
export function rule(columns: number): string {
  return `|${'---|'.repeat(columns)}`
}

function interval({ value, low, high }: Estimate): string {
  return `${signed(value)} [${low.toFixed(1)}, ${high.toFixed(1)}]`
}

function signed(value: number): string {
  const text = value.toFixed(1)
  return Number(text) > 0 ? `+${text}` : withoutMinusZero(text)
}

function withoutMinusZero(text: string): string {
  return Number(text) === 0 ? text.replace('-', '') : text
}
