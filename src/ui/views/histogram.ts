import { lineY, rectY, ruleX, ruleY } from '@observablehq/plot'
import { html, nothing, type TemplateResult } from 'lit'
import type { Histogram } from '../../evaluate/histogram.ts'
import type { ScoreView } from '../../pipeline/run-view.ts'
import { chart, type HoverZone, hoverZones } from './chart.ts'
import { formatCount, formatFigure } from './format.ts'

/** How a series is drawn; the first kind lies behind the others. */
export interface SeriesStyle<K extends string> {
  readonly key: K
  readonly name: string
  readonly kind: 'bars' | 'solid' | 'dashed'
  /** A CSS colour. */
  readonly colour: string
}

export interface HistogramOptions<K extends string> {
  readonly title: string
  /** What is counted, with its unit. */
  readonly axis: string
  readonly series: readonly SeriesStyle<K>[]
  /** A limit that decides, drawn as a line. */
  readonly limit?: { readonly value: number; readonly name: string }
}

/** Distributions over each other: bars behind, outlines before them, medians in the legend. */
export function histogramView<K extends string>(
  { start, width, series: found }: Histogram<K>,
  { title, axis, series, limit }: HistogramOptions<K>,
): TemplateResult {
  const bins = Math.max(...series.map(({ key }) => found[key].counts.length))
  const edge = (bin: number): number => start + bin * width
  const marks = series.map(({ key, kind, colour }) => {
    const { counts } = found[key]
    if (kind === 'bars') {
      const bars = counts.map((count, bin) => ({ from: edge(bin), to: edge(bin + 1), count }))
      return rectY(bars, { x1: 'from', x2: 'to', y: 'count', fill: colour, inset: 0.5 })
    }
    const corners = [...counts, 0].map((count, bin) => ({ x: edge(bin), count }))
    const outline = [{ x: start, count: 0 }, ...corners]
    return lineY(outline, {
      x: 'x',
      y: 'count',
      stroke: colour,
      strokeWidth: 2,
      curve: 'step-after',
      ...(kind === 'dashed' ? { strokeDasharray: '5 3' } : {}),
    })
  })
  const zones = Array.from({ length: bins }, (_, bin): HoverZone => {
    const range = `${formatFigure(edge(bin), digitsOf(width))} to ${formatFigure(edge(bin + 1), digitsOf(width))}`
    const counts = series.map(({ key, name }) => `${name} ${formatCount(found[key].counts[bin] ?? 0)}`)
    const reading = `${range}: ${counts.join(', ')}`
    return { from: edge(bin), to: edge(bin + 1), at: edge(bin + 0.5), reading, title: reading }
  })
  const label = `${title}: ${series.map(({ key, name }) => `${name} ${told(found[key])}`).join('; ')}`
  const picture = chart(label, {
    width: 420,
    height: 220,
    marginLeft: 48,
    marginTop: 24,
    marginBottom: 40,
    x: { label: axis, labelAnchor: 'center', labelArrow: 'none', ticks: 8 },
    y: { label: null, grid: true, ticks: 4, tickFormat: (count: number) => formatCount(count) },
    marks: [
      ...marks,
      ...(limit ? [ruleX([limit.value], { stroke: 'currentColor', strokeDasharray: '2 3' })] : []),
      ruleY([0], { stroke: 'currentColor' }),
      hoverZones(zones),
    ],
  })
  return html`<figure class="histogram">
    <figcaption>
      <p class="title">${title}</p>
      <ul class="legend">
        ${series.map(
          ({ key, name, kind, colour }) => html`<li>
            <span class="swatch ${kind}" style=${`--swatch: ${colour}`} aria-hidden="true"></span>${name}
            <small>${told(found[key])}</small>
          </li>`,
        )}
        ${limit ? html`<li><span class="swatch dotted" aria-hidden="true"></span>${limit.name} ${limit.value}</li>` : nothing}
      </ul>
    </figcaption>
    ${picture}
  </figure>`
}

/** A round's two histograms. */
export function scoresView({ scores, gaps, minScore, minGap }: ScoreView): TemplateResult {
  if (!scores) return html`<p class="note">Nothing has been scored yet.</p>`
  return html`<div class="histograms">
    ${histogramView(scores, {
      title: 'Scores of candidates',
      axis: 'CLIP score (100 × cosine)',
      series: [
        { key: 'all', name: 'all', kind: 'bars', colour: 'var(--chart-soft)' },
        { key: 'chosen', name: 'chosen', kind: 'solid', colour: 'var(--good)' },
        { key: 'rejected', name: 'rejected', kind: 'dashed', colour: 'var(--bad)' },
      ],
      ...(minScore === null ? {} : { limit: { value: minScore, name: 'least score' } }),
    })}
    ${
      gaps
        ? histogramView(gaps, {
            title: 'Gaps',
            axis: 'difference of two scores',
            series: [
              { key: 'widest', name: 'best less worst', kind: 'bars', colour: 'var(--chart-soft)' },
              { key: 'pairs', name: 'pairs', kind: 'solid', colour: 'var(--accent)' },
            ],
            limit: { value: minGap, name: 'least gap' },
          })
        : nothing
    }
  </div>`
}

function told({ count, median }: { readonly count: number; readonly median?: number }): string {
  return median === undefined ? 'none' : `${formatCount(count)}, median ${formatFigure(median)}`
}

/** Digits that tell neighbouring edges apart. */
function digitsOf(width: number): number {
  return width >= 1 ? 0 : width >= 0.5 ? 1 : width >= 0.25 ? 2 : 3
}
