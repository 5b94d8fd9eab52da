import { html, nothing, type TemplateResult } from 'lit'
import type { StageName } from '../pipeline/events.ts'
import type { RunnerClient } from '../pipeline/runner-client.ts'
import type { GridPicture } from './dataset-grid.ts'
import './dataset-grid.ts'
import './picture-texts.ts'
import type { Json } from './recipe-draft.ts'
import type { RunController } from './run-controller.ts'
import { type PartState, partOf } from './run-state.ts'
import type { Thumbnails } from './thumbnails.ts'

/** What results are shown with. */
export interface ResultsContext {
  readonly runner: RunnerClient
  readonly controller: RunController
  readonly thumbnails: Thumbnails
  readonly recipe: Json
  /** The picture whose texts are shown. */
  readonly picture: GridPicture | undefined
}

/** What a stage of the run that is shown has come to so far; a `picture` event tells which picture was chosen. */
export function stageResults(stage: StageName, context: ResultsContext): TemplateResult | typeof nothing {
  const { runner, controller, thumbnails, recipe, picture } = context
  const { state, isBusy } = controller
  const part = partOf(state, stage, stage === 'dataset' ? 'train' : undefined)
  if (!part) return nothing
  const round = part.round || 1
  switch (stage) {
    case 'dataset':
      return html`<dataset-grid
        .runner=${runner}
        .thumbnails=${thumbnails}
        .hash=${part.hash}
        .news=${newsOf(part)}
          .selected=${picture?.hash ?? ''}
        ></dataset-grid>`
    case 'caption':
      return html`<picture-texts
        .runner=${runner}
        .thumbnails=${thumbnails}
        .run=${state.id}
        .round=${round}
        .picture=${picture}
        .site=${document.baseURI}
        .news=${newsOf(part, partOf(state, 'caption', 'questions'), partOf(state, 'score'), partOf(state, 'pair'))}
      ></picture-texts>`
    case 'score':
      return html`<score-results
        .runner=${runner}
        .run=${state.id}
        .round=${round}
        .news=${String(partOf(state, 'pair')?.state)}
      ></score-results>`
    case 'pair': {
      const score = partOf(state, 'score')
      return html`
        <pair-panel
          .runner=${runner}
          .thumbnails=${thumbnails}
          .round=${round}
          .hash=${score && isFinished(score) ? score.hash : ''}
          .recipe=${recipe}
          .locked=${isBusy}
        ></pair-panel>
        <pair-results
          .runner=${runner}
          .thumbnails=${thumbnails}
          .run=${state.id}
          .round=${round}
          .datasetHash=${partOf(state, 'dataset', 'train')?.hash ?? ''}
          .news=${part.state}
          .recipe=${recipe}
          .locked=${isBusy}
        ></pair-results>
      `
    }
    case 'train':
      return html`<train-results
        .runner=${runner}
        .controller=${controller}
        .hash=${part.hash}
          .news=${part.state}
        ></train-results>
        <watched-answers
          .runner=${runner}
          .thumbnails=${thumbnails}
          .run=${state.id}
          .round=${round}
          .site=${document.baseURI}
          .isTryable=${!isBusy && isFinished(part)}
          .news=${`${part.state} ${part.watched ?? ''}`}
        ></watched-answers>`
    case 'evaluate':
      return html`<evaluate-results
        .runner=${runner}
        .run=${state.id}
        .news=${state.status === 'done' ? part.hash : ''}
      ></evaluate-results>`
  }
}

/** Whether an output is whole. */
export function isFinished({ state }: Pick<PartState, 'state'>): boolean {
  return state === 'done' || state === 'stored'
}

/** Changes whenever there may be more to read. */
export function newsOf(...parts: readonly (PartState | undefined)[]): string {
  return parts.map((part) => (part ? `${part.state} ${part.done}` : '')).join()
}
