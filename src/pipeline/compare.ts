import type { MetricTable } from '../evaluate/metrics.ts'
import type { RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { jsonHash } from './hash.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { notesOf } from './run-notes.ts'
import type { ComparedRun } from './runner.api.ts'
import type { EvaluateOutput } from './stages/evaluate.ts'
import { readSteps } from './stages/step-log.ts'
import { openOutput } from './stored-run.ts'

/** Reads a run to be compared, finished or not; undefined when there is none of that id. */
export async function readComparedRun(store: Store, id: string): Promise<ComparedRun | undefined> {
  const record = await store.runs.get(id)
  if (!record) return undefined
  const { outputs } = notesOf(record)
  const trained = outputs.filter(({ stage }) => stage === 'train').sort((a, b) => b.round - a.round)[0]
  const units = trained && store.stage(trained.kind, trained.hash)
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
    metrics: units ? await readSteps(units) : [],
    ...(before && after ? { figures: { before, after } } : {}),
  }
}

/** Reads the finished runs that differ from a run in nothing but the adapter that they evaluate, itself among them. */
export async function readEvaluations(store: Store, id: string): Promise<ComparedRun[]> {
  const records = (await store.runs.list()).filter(({ status }) => status === 'done')
  const own = records.find((record) => record.id === id)
  const wanted = own && (await hashWithoutAdapter(own))
  if (wanted === undefined) return []
  const found = new Map<number, ComparedRun>()
  for (const record of records) {
    const isSame = (await hashWithoutAdapter(record)) === wanted
    const run = isSame ? await readComparedRun(store, record.id) : undefined
    if (!run?.figures) continue
    // Of several with one adapter the run that is asked about, otherwise the latest.
    const place = placeOf(run.recipe)
    if (!found.has(place) || run.id === id) found.set(place, run)
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, run]) => run)
}

/** Of what is the same whichever adapter is evaluated, and whatever the run is called; undefined of a recipe that is no longer read. */
async function hashWithoutAdapter({ recipe: json }: Pick<RunRecord, 'recipe'>): Promise<string | undefined> {
  try {
    const { name: _, notes: __, evaluate, ...recipe } = parseRecipe(json)
    const { adapter: ___, ...rest } = evaluate
    return await jsonHash({ ...recipe, evaluate: rest })
  } catch {
    return undefined
  }
}

function placeOf({ evaluate: { adapter } }: Recipe): number {
  return adapter ? adapter.round * 1e9 + adapter.step : Number.POSITIVE_INFINITY
}
