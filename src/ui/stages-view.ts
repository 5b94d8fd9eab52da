import { html, type TemplateResult } from 'lit'
import { STAGES } from '../pipeline/events.ts'
import type { Json } from './recipe-draft.ts'
import { stageOf } from './run-state.ts'
import './stage-card.ts'
import './stage-notes.ts'
import { newsOf, type ResultsContext, stageResults } from './stage-results.ts'
import './stage-settings.ts'

/** The six stages of a run, each with its state, settings and results. @param defaults what *Reset* goes back to. */
export function stagesView(context: ResultsContext, defaults: Json): TemplateResult {
  const { runner, controller, recipe } = context
  const { state, isBusy } = controller
  return html`${STAGES.map(
    (stage, i) => html`<stage-card .stage=${stage} .number=${i + 1} .state=${stageOf(state, stage)}>
      <stage-settings
        slot="settings"
        .stage=${stage}
        .recipe=${recipe}
        .defaults=${defaults}
        .locked=${isBusy}
      ></stage-settings>
      ${stageResults(stage, context)}
      <stage-notes
        .stage=${stage}
        .runner=${runner}
        .run=${state.id}
        .news=${newsOf(...state.parts.filter((part) => part.stage === stage && part.state !== 'running'))}
        .damage=${state.damage?.filter((damage) => damage.stage === stage) ?? []}
      ></stage-notes>
    </stage-card>`,
  )}`
}
