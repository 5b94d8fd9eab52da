import { html, nothing, type TemplateResult } from 'lit'
import type { WatchedView } from '../../pipeline/runner.api.ts'
import { markedView } from './marked.ts'

export interface WatchedOptions {
  /** How a picture is shown, by its place. Default by its name. */
  readonly picture?: (index: number) => TemplateResult
  /** What can be done with the adapter of a step. Default nothing. */
  readonly actions?: (step: number) => TemplateResult
}

/** What a model said about the same pictures as its training went on: a row for each picture, a column for each look. */
export function watchedView(
  { prompt, pictures, states }: WatchedView,
  { picture, actions }: WatchedOptions = {},
): TemplateResult {
  const steps = [...states].sort((a, b) => a.step - b.step)
  const head = (step: number): string => (step === 0 ? 'before' : `after step ${step}`)
  return html`<div class="watched">
    <p class="note">
      Asked now and then, on pictures it is not trained on: “${prompt}”<br /><span class="key"><ins class="grounded">grounded</ins> is in the picture, <del class="hallucinated">invented</del>
      is not.</span>
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Answers in the course of training">
      <table>
        <thead>
          <tr>
            <th scope="col">Picture</th>
            ${steps.map(
              ({ step, isKept }) =>
                html`<th scope="col">${head(step)} ${isKept && step > 0 && actions ? actions(step) : nothing}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${pictures.map(
            ({ name, truth }, i) => html`<tr>
              <th scope="row">
                ${picture ? picture(i) : name}
                <span class="shows">${truth ? `shows ${truth.join(', ')}` : 'it is not known what it shows'}</span>
              </th>
              ${steps.map(({ answers }) => html`<td>${markedView(answers[i] ?? [])}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </div>`
}
