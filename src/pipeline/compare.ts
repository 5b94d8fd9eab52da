import type { MetricTable } from '../evaluate/metrics.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import { parseRecipe } from './recipe.ts'
import { notesOf } from './run-notes.ts'
import type { ComparedRun } from './runner.api.ts'
import type { EvaluateOutput } from './stages/evaluate.ts'
import { openOutput } from './stored-run.ts'

/** Reads a run to be compared, finished or not; undefined when there is none of that id. */
export async function readComparedRun(store: Store, id: string): Promise<ComparedRun | undefined> {
  const record = await store.runs.get(id)
  if (!record) return undefined
  const { outputs } = notesOf(record)
  const trained = outputs.filter(({ stage }) => stage === 'train').sort((a, b) => b.round - a.round)[0]
  const units = trained && store.stage<readonly StepMetrics[], unknown>(trained.kind, trained.hash)
  const evaluated = await openOutput(store, outputs, { stage: 'evaluate', round: 0 })
  const { evaluation, zeroShot } = (evaluated as EvaluateOutput | undefined)?.summary ?? {}
  const table = (when: 'before' | 'after'): MetricTable | undefined =>
    evaluation && {
      ...evaluation[when],
      ...(zeroShot ? { zeroShot: { top1: zeroShot[when] } } : {}),
    }
  const [before, after] = [table('before'), table('after')]
  return {
    id,
    name: record.name,
    recipe: parseRecipe(record.recipe),
    metrics: (await units?.get('metrics')) ?? [],
    ...(before && after ? { figures: { before, after } } : {}),
  }
}
