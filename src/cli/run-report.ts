import { join } from 'node:path'
import type { Estimate } from '../evaluate/bootstrap.ts'
import type { Controls } from '../evaluate/evaluation.ts'
import type { MarkedText } from '../evaluate/mark.ts'
import type { MetricTable } from '../evaluate/metrics.ts'
import type { FunnelStep } from '../method/funnel.ts'
import { type UnmatchedEdit, unmatchedNote } from '../method/pair-edits.ts'
import type { RunResult, RunSummary } from '../pipeline/headless.ts'
import type { EvaluateSummary } from '../pipeline/stages/evaluate.ts'
import type { LoneEvaluation } from '../pipeline/stages/evaluate-alone.ts'
import { tablesOf } from '../pipeline/tables.ts'
import { formatSeconds, printable } from './progress.ts'

/** What a run came to, for a terminal: funnel, figures before and after, examples, time, and where the files are. */
export function formatResult({ summary, examples }: RunResult, out: string): string {
  const { funnel, stages, images, pairs, steps } = summary
  const sections = [
    section(
      `Funnel: ${pairs} pairs from ${images.train} pictures, ${steps} steps`,
      funnel.flatMap(({ steps: rules, unmatchedEdits }) => funnelLines(rules, unmatchedEdits)),
    ),
    section(
      `Before and after on ${images.evaluated} pictures (${images.source}), 95% intervals over pictures`,
      figureLines(summary),
    ),
    section(
      'What it means',
      summary.verdicts.map((text) => `- ${text}`),
    ),
    section(
      'Examples: [invented], _grounded_',
      examples.flatMap(({ image, truth, before, after }) => [
        `${image} shows ${truth.join(', ')}`,
        `  before: ${marked(before)}`,
        `  after:  ${marked(after)}`,
      ]),
    ),
    section(
      'Time',
      Object.entries(stages).map(([stage, { seconds }]) => `${stage.padEnd(28)} ${formatSeconds(seconds)}`),
    ),
    section(
      'Written',
      ['summary.json', 'report.html', 'pairs.jsonl', 'metrics.jsonl', 'adapter'].map((name) =>
        join(out, name),
      ),
    ),
  ]
  return printable(sections.join('\n'))
}

/** What every rule did, a line each, and which edits by hand did nothing. */
export function funnelLines(
  steps: readonly FunnelStep[],
  unmatchedEdits: readonly UnmatchedEdit[] = [],
): string[] {
  return [
    ...steps.map(
      ({ rule, unit, came, removed, changed, added, remained }) =>
        `${rule.padEnd(22)} ${String(came).padStart(7)} ${unit}, ${String(removed).padStart(6)} removed, ` +
        `${changed === undefined ? '' : `${changed} flipped, ${added} added, `}${remained} left`,
    ),
    ...unmatchedEdits.map(unmatchedNote),
  ]
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** In nats a token, its change in percent of it. */
const LOSS = 'clean loss, nats'

/** Rows of the table: name, and where the figure stands. */
const ROWS: readonly [name: string, of: (table: MetricTable) => Estimate | undefined][] = [
  ['CHAIR', (t) => t.chair],
  ['Hal', (t) => t.hal],
  ['Cog', (t) => t.cog],
  ['Cover', (t) => t.cover],
  ['AMBER score', (t) => t.amberScore],
  ['yes/no accuracy', (t) => t.yesNo?.accuracy],
  ['yes-rate', (t) => t.yesNo?.yesRate],
  ['precision of no', (t) => t.yesNo?.precisionNo],
  ['recall of no', (t) => t.yesNo?.recallNo],
  ['F1 of no (AMBER)', (t) => t.yesNo?.f1No],
  ['accuracy (POPE)', (t) => t.yesNo?.popeAccuracy],
  ['yes-rate (POPE)', (t) => t.yesNo?.popeYesRate],
  ['precision of yes', (t) => t.yesNo?.precisionYes],
  ['recall of yes', (t) => t.yesNo?.recallYes],
  ['F1 of yes (POPE)', (t) => t.yesNo?.f1Yes],
  ['zero-shot top-1', (t) => t.zeroShot?.top1],
  ['words', (t) => t.meanLength],
  ['nouns', (t) => t.nounsPerCaption],
  [LOSS, (t) => t.cleanLoss],
]

/** What an evaluation came to, for a terminal. */
export function formatEvaluation(summary: EvaluateSummary | LoneEvaluation, out: string): string {
  const { images } = summary.evaluation
  const on = `on ${images} pictures, 95% intervals over pictures`
  const figures =
    'coOccurrences' in summary
      ? section(
          `Before and after ${on}`,
          figureLines({ ...summary.evaluation, ...tablesOf(summary.evaluation, summary.zeroShot) }),
        )
      : section(`Measured ${on}`, aloneLines(summary))
  const caveats = summary.caveats.length > 0 ? [section('Mind', summary.caveats)] : []
  return [figures, ...caveats, section('Written', [join(out, 'evaluation.json')])].join('\n')
}

function aloneLines({ evaluation, zeroShot }: LoneEvaluation): string[] {
  const { before } = evaluation
  const table = zeroShot ? { ...before, zeroShot: { top1: zeroShot.before } } : before
  return ROWS.flatMap(([name, of]) => {
    const figure = of(table)
    if (!figure) return []
    const { value, low, high } = figure
    return [`${name.padEnd(18)}${value.toFixed(1).padStart(8)}   [${low.toFixed(1)}, ${high.toFixed(1)}]`]
  })
}

function figureLines({
  before,
  after,
  delta,
  controls,
}: Pick<RunSummary, 'before' | 'after' | 'delta' | 'controls'>): string[] {
  const head = `${''.padEnd(18)}${'before'.padStart(8)}${'after'.padStart(8)}   ${'change'.padEnd(26)}`
  const rows = ROWS.flatMap(([name, of]) => {
    const [b, a, d] = [of(before), of(after), of(delta)]
    if (!b || !a || !d) return []
    const isLoss = name === LOSS
    const [first, second] = [b, a].map(({ value }) => value.toFixed(isLoss ? 3 : 1).padStart(8))
    return [`${name.padEnd(18)}${first}${second}   ${interval(d, isLoss ? '%' : '')}`]
  })
  const control = (title: string, { metrics, tunedMinus }: Controls['L']): string[] => [
    `${title.padEnd(30)} CHAIR ${metrics.chair.value.toFixed(1)}, Hal ${metrics.hal.value.toFixed(1)}, Cover ${metrics.cover.value.toFixed(1)}, ${metrics.meanLength.value.toFixed(1)} words`,
    `${'  after less this'.padEnd(30)} CHAIR ${interval(tunedMinus.chair)}, Hal ${interval(tunedMinus.hal)}, Cover ${interval(tunedMinus.cover)}`,
  ]
  return [
    head,
    ...rows,
    ...(controls
      ? [
          ...control('control C (same Cover)', controls.C),
          ...control('control L (nearest length)', controls.L),
        ]
      : []),
  ]
}

function interval({ value, low, high }: Estimate, unit = ''): string {
  const signed = (figure: number): string => `${figure > 0 ? '+' : ''}${figure.toFixed(1)}${unit}`
  return `${signed(value)} [${signed(low)}, ${signed(high)}]`
}

function marked(pieces: readonly MarkedText[]): string {
  return pieces
    .map(({ text, verdict }) =>
      verdict === 'hallucinated' ? `[${text}]` : verdict === 'grounded' ? `_${text}_` : text,
    )
    .join('')
}
