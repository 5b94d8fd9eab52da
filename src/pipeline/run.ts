import type { Store } from '../store/store.ts'
import { evaluatedAdapter } from './evaluated-adapter.ts'
import { type EvaluatedSet, type EvaluatedSets, readEvaluatedSets } from './evaluated-sets.ts'
import type { RunEvent } from './events.ts'
import { captionUse } from './expected-use.ts'
import { jsonHash } from './hash.ts'
import {
  type AdapterSource,
  type DeviceProfile,
  type ModelHashes,
  openModels,
  type RunModels,
} from './models.ts'
import { withRun } from './open-run.ts'
import { PauseSwitch } from './pause.ts'
import { type Recipe, recipeJson } from './recipe.ts'
import { noteRun, notesOf } from './run-notes.ts'
import { type ResolvedModel, type RunSources, resolveModel } from './sources.ts'
import type { StageContext } from './stage.ts'
import { type CaptionOutput, captionStage } from './stages/caption.ts'
import { type DatasetOutput, datasetStage } from './stages/dataset.ts'
import { type EvaluateOutput, evaluateStage } from './stages/evaluate.ts'
import { measureStage } from './stages/measure.ts'
import type { MeasuredPair } from './stages/measured-chunks.ts'
import { type PairOutput, pairStage } from './stages/pair.ts'
import { questionStage } from './stages/questions.ts'
import { type ScoreOutput, scoreStage } from './stages/score.ts'
import { type TrainOutput, trainedAdapter, trainStage } from './stages/train.ts'
import { evaluationVocabulary } from './vocabulary.ts'

/** The outputs of one round: caption, score, pair, train. */
export interface RoundOutput {
  readonly captions: CaptionOutput
  /** The captions with questions' answers among them; absent where none are asked. */
  readonly questions?: CaptionOutput
  readonly scores: ScoreOutput
  readonly pairs: PairOutput
  readonly training: TrainOutput
}

/** A data set measured before and after training. */
export interface MeasuredSet extends MeasuredPair, EvaluatedSet {}

/** Everything a run has made. */
export interface RunOutput {
  /** What was run. */
  readonly recipe: Recipe
  readonly dataset: DatasetOutput
  readonly rounds: readonly RoundOutput[]
  readonly evaluation: EvaluateOutput
  /** What the evaluation compares: first the pictures that its figures are of. */
  readonly measured: readonly [main: MeasuredSet, ...others: MeasuredSet[]]
  /** The one that is evaluated: the finished one, unless the recipe names another. */
  readonly adapter: AdapterSource
  readonly models: ModelHashes
  readonly recipeHash: string
  /** What the policy ran on; undefined where all its work was taken from other runs. */
  readonly device?: DeviceProfile
}

/** What is scored in a round. */
export function candidatesOf({
  captions,
  questions,
}: Pick<RoundOutput, 'captions' | 'questions'>): CaptionOutput {
  return questions ?? captions
}

export interface RunOptions {
  readonly store: Store
  readonly sources: RunSources
  readonly signal?: AbortSignal
  readonly emit?: (event: RunEvent) => void
  /** Holds the run before its next job, token or step. */
  readonly pause?: PauseSwitch
}

/** The id under which a recipe's run is kept: the same recipe goes on where it was left. */
export async function runId(recipe: Recipe): Promise<string> {
  return (await jsonHash(recipe)).slice(0, 16)
}

/**
 * Runs a recipe to its end, from wherever an earlier visit left it.
 * @throws {RunLockedError} when it is open in another tab; what a stage throws; the signal's reason when cancelled. All that
 *   was finished before is kept.
 */
export async function runRecipe(
  recipe: Recipe,
  {
    store,
    sources,
    signal = new AbortController().signal,
    emit = () => {},
    pause = new PauseSwitch(),
  }: RunOptions,
): Promise<RunOutput> {
  const recipeHash = await jsonHash(recipe)
  const described = { name: recipe.name, recipe: recipeJson(recipe), recipeHash }
  return await withRun({ store, signal, id: await runId(recipe), described }, async (run) => {
    const policy = await resolveModel(recipe.policy, sources, signal)
    const clip = await resolveModel(recipe.clip, sources, signal)
    const others = await otherWriters(recipe, sources, signal)
    const use = { peft: recipe.train.peft, ...captionUse(recipe.caption) }
    const onDevice = (device: DeviceProfile): Promise<void> => noteRun(run, { device })
    const models = openModels({ policy, use, clip, store, emit, signal, onDevice, pause })
    try {
      const context: StageContext = {
        store,
        run,
        signal,
        emit,
        peakGpuBytes: () => models.peakGpuBytes(),
        workTime: () => pause.workTime(),
      }
      const output = await runStages(context, models, recipe, { sources, policy, clip, ...others })
      const hashes = modelHashes({ policy, clip, ...others })
      await noteRun(run, { models: hashes })
      const record = await store.runs.get(run.id)
      const device = record && notesOf(record).device
      return { ...output, recipe, models: hashes, recipeHash, ...(device ? { device } : {}) }
    } finally {
      models.close()
    }
  })
}

/** The models beside the policy that write in a run. */
interface OtherWriters {
  readonly captioners: readonly ResolvedModel[]
  /** Of questions; none where the recipe names none. */
  readonly writer?: ResolvedModel
}

/** @throws {SourceMissingError} */
export async function otherWriters(
  recipe: Pick<Recipe, 'captioners' | 'caption'>,
  sources: RunSources,
  signal: AbortSignal,
): Promise<OtherWriters> {
  const captioners: ResolvedModel[] = []
  for (const ref of recipe.captioners) captioners.push(await resolveModel(ref, sources, signal))
  const ref = recipe.caption.questions?.writer
  return { captioners, ...(ref ? { writer: await resolveModel(ref, sources, signal) } : {}) }
}

/** All models that a recipe names. */
interface NamedModels extends OtherWriters {
  readonly policy: ResolvedModel
  readonly clip: ResolvedModel
}

function modelHashes({ policy, clip, captioners, writer }: NamedModels): ModelHashes {
  return {
    policy: policy.sha256,
    clip: clip.sha256,
    ...(captioners.length > 0 ? { captioners: captioners.map(({ sha256 }) => sha256) } : {}),
    ...(writer ? { writer: writer.sha256 } : {}),
  }
}

interface Resolved extends NamedModels {
  readonly sources: RunSources
}

async function runStages(
  context: StageContext,
  models: RunModels,
  recipe: Recipe,
  { sources, policy, clip, captioners, writer }: Resolved,
): Promise<Omit<RunOutput, 'recipe' | 'models' | 'recipeHash' | 'device'>> {
  const { seed } = recipe
  const dataset = await datasetStage(context, recipe.dataset, { sources, round: 1, part: 'train' })
  const sets = await readEvaluatedSets(context, recipe, sources, dataset)
  const watch = {
    datasets: [sets.main, ...(sets.shown ? [sets.shown] : [])].map((set) => set.dataset),
    prompt: recipe.evaluate.prompt ?? recipe.caption.prompts[0] ?? '',
    maxNewTokens: recipe.evaluate.max_new_tokens,
  }
  const rounds: RoundOutput[] = []
  let adapter: AdapterSource | undefined
  for (let round = 1; round <= recipe.rounds; round++) {
    const worn = adapter ? { adapter } : {}
    const captions = await captionStage(context, models, recipe.caption, {
      dataset,
      policy,
      ...worn,
      captioners,
      seed,
      round,
    })
    const questions = recipe.caption.questions
      ? await questionStage(context, models, recipe.caption.questions, {
          dataset,
          captions,
          ...(writer ? { writer } : {}),
          seed,
          round,
        })
      : undefined
    const written = { captions, ...(questions ? { questions } : {}) }
    const scores = await scoreStage(context, models.clip, clip.hash, recipe.score, {
      dataset,
      captions: candidatesOf(written),
      round,
    })
    const pairs = await pairStage(context, recipe.pair, { scores, seed, round })
    const training = await trainStage(context, models, recipe.train, {
      pairs,
      policy,
      ...worn,
      watch,
      round,
    })
    adapter = await trainedAdapter(training)
    rounds.push({ ...written, scores, pairs, training })
  }
  const evaluated = await evaluatedAdapter(
    rounds.map(({ training }) => training),
    recipe.evaluate.adapter,
  )
  const results = await evaluate(context, models, recipe, { sources, policy, clip, sets }, evaluated)
  return { dataset, rounds, adapter: evaluated, ...results }
}

/** Measures the model with and without the adapter on pictures it was not trained on, and compares. */
async function evaluate(
  context: StageContext,
  models: RunModels,
  recipe: Recipe,
  {
    sources,
    policy,
    clip,
    sets,
  }: Pick<Resolved, 'sources' | 'policy' | 'clip'> & {
    sets: EvaluatedSets
  },
  adapter: AdapterSource,
): Promise<Pick<RunOutput, 'evaluation' | 'measured'>> {
  const { evaluate: settings } = recipe
  const prompt = settings.prompt ?? recipe.caption.prompts[0] ?? ''
  const measure = async (set: EvaluatedSet): Promise<MeasuredSet> => {
    const { name, dataset } = set
    const shared = { dataset, policy, prompt }
    const before = await measureStage(context, models, settings, { ...shared, part: `${name}before` })
    const tuned = { adapter, base: before }
    const after = await measureStage(context, models, settings, { ...shared, tuned, part: `${name}after` })
    return { ...set, before, after }
  }
  const main = await measure(sets.main)
  const zeroShot = sets.zeroShot && (await measure(sets.zeroShot))
  const shown = sets.shown && (await measure(sets.shown))
  const evaluation = await evaluateStage(context, models.clip, clip.hash, settings, {
    main,
    ...(zeroShot ? { zeroShot } : {}),
    vocabulary: await evaluationVocabulary(settings.dataset.source, main.dataset, sources, context.signal),
    seed: recipe.seed,
  })
  return { evaluation, measured: [main, ...(zeroShot ? [zeroShot] : []), ...(shown ? [shown] : [])] }
}
