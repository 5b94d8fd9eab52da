import { dot, lineY, ruleY } from '@observablehq/plot'
import { html, nothing, type TemplateResult } from 'lit'
import { chart, type HoverZone, hoverZones } from './chart.ts'
import {
  type Curve,
  type CurveChart,
  MAIN_METRICS,
  type MetricKey,
  type StepMetrics,
} from './curve-charts.ts'
import { formatValue } from './format.ts'
import { smooth } from './smooth.ts'

/** Figures that a strip under the pointer tells as text: more than are drawn. */
const READ: readonly MetricKey[] = [
  ...MAIN_METRICS,
  'logits/chosen',
  'logits/rejected',
  'entropy',
  'mean_token_accuracy',
  'num_tokens',
  'epoch',
]

/** Strips under the pointer in one chart. */
const MOST_ZONES = 48
/** Curves of fewer steps are drawn as they are, with their points. */
const FEW_STEPS = 16

export interface CurvesOptions {
  /** Weight of the past in the smoothed curve, in [0, 1). Default 0.6. */
  readonly smoothing?: number
  /** What the run is called in the legend, where there are others. Default this run. */
  readonly name?: string
  /** Other runs' trainings to lay under this one. Default none. */
  readonly others?: readonly OtherCurves[]
}

export interface OtherCurves {
  readonly name: string
  readonly metrics: readonly StepMetrics[]
}

/** Dashes by which other runs are told apart; the next begin again. */
const OTHER_DASHES = ['1 3', '9 3', '9 3 1 3', '4 4'] as const
export const dashesOf = (run: number): string => OTHER_DASHES[run % OTHER_DASHES.length] as string

/**
 * One chart of a training's curves, each smoothed over its ghost.
 * @param places the steps that can be read, of `readablePlaces`.
 */
export function curveFigure(
  { title, meaning, curves, isExact, level: known }: CurveChart,
  metrics: readonly StepMetrics[],
  places: readonly Place[],
  { smoothing = 0.6, others = [] }: CurvesOptions = {},
): TemplateResult {
  const isFew = metrics.length < FEW_STEPS
  const [first, last] = [metrics[0], metrics.at(-1)] as [StepMetrics, StepMetrics]
  const level = known?.applies?.(first) === false ? undefined : known
  const weight = isExact || isFew ? 0 : smoothing
  const lower = others.flatMap((other, run) =>
    curves.map(({ key }) =>
      lineY(pointsOf(other.metrics, key, weight), {
        x: 'step',
        y: 'smoothed',
        stroke: 'var(--ink-soft)',
        strokeWidth: 1.5,
        strokeDasharray: dashesOf(run),
      }),
    ),
  )
  const drawn = curves.map((curve) => ({ ...curve, points: pointsOf(metrics, curve.key, weight) }))
  const marks = drawn.flatMap(({ colour, isDashed, points }) => [
    ...(weight > 0
      ? [lineY(points, { x: 'step', y: 'value', stroke: colour, strokeWidth: 1, strokeOpacity: 0.35 })]
      : []),
    lineY(points, {
      x: 'step',
      y: 'smoothed',
      stroke: colour,
      strokeWidth: 2,
      ...(isDashed ? { strokeDasharray: '6 3' } : {}),
    }),
    ...(isFew ? [dot(points, { x: 'step', y: 'value', fill: colour, r: 3 })] : []),
  ])
  const read = (step: StepMetrics): string =>
    curves.map(({ key, name }) => (curves.length > 1 ? `${name} ` : '') + formatValue(step[key])).join(', ')
  const label = `${title} over ${metrics.length} steps: from ${read(first)} to ${read(last)}`
  const picture = chart(label, {
    width: 360,
    height: 180,
    marginLeft: 48,
    marginTop: 20,
    marginBottom: 40,
    x: { label: 'step', labelAnchor: 'center', labelArrow: 'none', ticks: 5, tickFormat: wholeTick },
    y: { label: null, grid: true, ticks: 4, nice: true, tickFormat: (value: number) => formatValue(value) },
    marks: [
      ...(level
        ? [ruleY([level.value], { stroke: 'currentColor', strokeOpacity: 0.6, strokeDasharray: '2 3' })]
        : []),
      ...lower,
      ...marks,
      hoverZones(
        places.map(({ metric, ...place }) => ({ ...place, reading: `step ${place.at}: ${read(metric)}` })),
      ),
    ],
  })
  return html`<figure class="curve">
    <figcaption>
      <p class="title">${title} <span class="now">${curves.map((curve) => nowView(curve, last, curves.length > 1))}</span></p>
    </figcaption>
    ${picture}
    <p class="note">${meaning}${level ? ` Dotted: ${level.name}.` : ''}</p>
  </figure>`
}

function pointsOf(metrics: readonly StepMetrics[], key: MetricKey, weight: number) {
  const values = metrics.map((step) => step[key])
  const smoothed = smooth(values, weight)
  return metrics.map(({ step }, i) => ({ step, value: values[i], smoothed: smoothed[i] }))
}

/** A curve's last figure, after how it is drawn and called where there are several. */
function nowView(
  { key, name, colour, isDashed }: Curve,
  last: StepMetrics,
  isNamed: boolean,
): TemplateResult {
  const swatch = html`<span
    class="swatch ${isDashed ? 'dashed' : 'solid'}"
    style=${`--swatch: ${colour}`}
    aria-hidden="true"
  ></span>`
  return html`<span>${isNamed ? html`${swatch}${name} ` : nothing}${formatValue(last[key])}</span>`
}

/** A step that can be read, in every chart alike. */
export interface Place extends Omit<HoverZone, 'reading'> {
  readonly metric: StepMetrics
}

/** Steps evenly apart, with the strip of the axis that reads each. */
export function readablePlaces(metrics: readonly StepMetrics[]): Place[] {
  const shown = every(metrics, MOST_ZONES)
  return shown.map((metric, i): Place => {
    const { step } = metric
    const [before, after] = [shown[i - 1]?.step ?? step - 1, shown[i + 1]?.step ?? step + 1]
    const figures = READ.map((key) => `${key} ${formatValue(metric[key])}`)
    return {
      metric,
      from: (before + step) / 2,
      to: (step + after) / 2,
      at: step,
      title: [`step ${step}`, ...figures].join('\n'),
    }
  })
}

/** At most so many of them, evenly apart, the last among them. */
export function every<T>(items: readonly T[], most: number): T[] {
  const stride = Math.ceil(items.length / most)
  return items.filter((_, i) => (items.length - 1 - i) % stride === 0)
}

const wholeTick = (step: number): string => (Number.isInteger(step) ? String(step) : '')
