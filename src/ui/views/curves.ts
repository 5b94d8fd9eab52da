import { html, nothing, type TemplateResult } from 'lit'
import { CURVE_CHARTS, MAIN_METRICS, type StepMetrics } from './curve-charts.ts'
import {
  type CurvesOptions,
  curveFigure,
  dashesOf,
  every,
  type OtherCurves,
  readablePlaces,
} from './curve-figure.ts'
import { formatValue } from './format.ts'

const MOST_ROWS = 20

/** A training's curves, each smoothed over its ghost; a strip under the pointer reads all figures of a step. */
export function curvesView(metrics: readonly StepMetrics[], options: CurvesOptions = {}): TemplateResult {
  const places = readablePlaces(metrics)
  const figures =
    metrics.length > 0 ? CURVE_CHARTS.map((one) => curveFigure(one, metrics, places, options)) : []
  return curveFiguresView(figures, metrics, options)
}

/** A training's charts that have been drawn already, with what belongs to them all. */
export function curveFiguresView(
  figures: readonly TemplateResult[],
  metrics: readonly StepMetrics[],
  { name = 'this run', others = [] }: CurvesOptions = {},
): TemplateResult {
  if (metrics.length === 0) return html`<p class="note">No step has been taken yet.</p>`
  return html`<div class="curves">
    ${others.length > 0 ? legend(name, others) : nothing}
    <div class="curve-list">${figures}</div>
    <details>
      <summary>Figures by step</summary>
      ${tableView(every(metrics, MOST_ROWS))}
    </details>
  </div>`
}

function legend(name: string, others: readonly OtherCurves[]): TemplateResult {
  return html`<ul class="legend">
    <li>
      <svg class="sample" width="28" height="8" aria-hidden="true">
        <line x1="0" x2="28" y1="4" y2="4" class="own"></line></svg
      >${name}
    </li>
    ${others.map(
      ({ name }, run) => html`<li>
        <svg class="sample" width="28" height="8" aria-hidden="true">
          <line x1="0" x2="28" y1="4" y2="4" stroke-dasharray=${dashesOf(run)}></line></svg
        >${name}
      </li>`,
    )}
  </ul>`
}

function tableView(rows: readonly StepMetrics[]): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures by step">
    <table>
      <thead>
        <tr>
          <th scope="col">step</th>
          ${MAIN_METRICS.map((key) => html`<th scope="col" class="number">${key}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr>
            <th scope="row">${row.step}</th>
            ${MAIN_METRICS.map((key) => html`<td class="number">${formatValue(row[key])}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
