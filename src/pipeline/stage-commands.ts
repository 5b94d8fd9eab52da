import { DataError } from '../data/data-error.ts'
import { type FileSpec, type FolderSpec, openFolder } from '../data/folder.ts'
import type { OpenRun } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import type { PeftFiles } from '../workers/policy.api.ts'
import { captionsFile, datasetPictures, type SendFile, scoresFile, sendFiles } from './artifacts.ts'
import type { RunEvent } from './events.ts'
import { captionUse, writingUse } from './expected-use.ts'
import { jsonBlob } from './json-blobs.ts'
import type { AdapterSource, ModelOptions, RunModels } from './models.ts'
import { openModels } from './models.ts'
import { withRun } from './open-run.ts'
import { type DatasetRef, type ModelRef, parseRecipe } from './recipe.ts'
import { otherWriters } from './run.ts'
import { type RunSources, resolveModel } from './sources.ts'
import type { StageContext } from './stage.ts'
import { type CaptionSummary, captionStage } from './stages/caption.ts'
import { type DatasetOutput, datasetStage } from './stages/dataset.ts'
import { type EvaluateSummary, evaluateStage } from './stages/evaluate.ts'
import { evaluateAlone, type LoneEvaluation } from './stages/evaluate-alone.ts'
import { givenCandidates } from './stages/given.ts'
import { measureStage } from './stages/measure.ts'
import { questionStage } from './stages/questions.ts'
import { type ScoreSummary, scoreStage } from './stages/score.ts'
import { adapterHash } from './stages/train.ts'
import { evaluationVocabulary } from './vocabulary.ts'

/** What every stage that is run by itself is given. */
interface StageJob {
  /** A whole recipe, of which the stage takes its part, and the seed. */
  readonly recipe: unknown
  readonly sources: RunSources
}

export interface CaptionJob extends StageJob {
  readonly model: ModelRef
  readonly adapter?: FolderSpec
  readonly images: DatasetRef
  /** From 1; every round draws anew. */
  readonly round: number
  /** The folder for results, to see which pictures are there already. */
  readonly results: FolderSpec
}

export interface ScoreJob extends StageJob {
  readonly clip: ModelRef
  readonly data: FileSpec
  /** Where the pictures lie, as `images/HASH` or by their names. */
  readonly pictures: readonly FolderSpec[]
  readonly results: FolderSpec
}

export interface EvaluateJob extends StageJob {
  readonly model: ModelRef
  /** Without one the model itself is measured, and nothing compared. */
  readonly adapter?: FolderSpec
  readonly data: DatasetRef
  /** Pictures of single objects, and the CLIP that classifies what is said of them. */
  readonly zeroShot?: { readonly data: DatasetRef; readonly clip: ModelRef }
}

export interface StageOptions {
  readonly store: Store
  readonly signal: AbortSignal
  readonly emit: (event: RunEvent) => void
  readonly send: SendFile
}

/** Writes candidates about pictures: `captions.jsonl`, and the pictures as `images/HASH`. */
export async function captionCommand(job: CaptionJob, options: StageOptions): Promise<CaptionSummary> {
  const recipe = parseRecipe(job.recipe)
  const { caption, seed } = recipe
  const { sources, round } = job
  return await alone('caption', options, async (context, use) => {
    const policy = await resolveModel(job.model, sources, context.signal)
    const { captioners, writer } = await otherWriters(recipe, sources, context.signal)
    const adapter = await adapterSource(job.adapter, context.signal)
    const dataset = await datasetStage(context, job.images, { sources, round: 1, part: 'train' })
    const models = use({ policy, use: captionUse(caption) })
    const captions = await captionStage(context, models, caption, {
      dataset,
      policy,
      ...(adapter ? { adapter } : {}),
      captioners,
      seed,
      round,
    })
    const asked = { dataset, captions, ...(writer ? { writer } : {}), seed, round }
    const written = caption.questions
      ? await questionStage(context, models, caption.questions, asked)
      : captions
    const isThere = inFolder(job.results, context.signal)
    await sendFiles(datasetPictures(dataset, options.store, isThere), options.send)
    await sendFiles([captionsFile(written)], options.send)
    return written.summary
  })
}

/** CLIP's scores of candidates in a file: `scores.jsonl`, and the pictures as `images/HASH`. */
export async function scoreCommand(job: ScoreJob, options: StageOptions): Promise<ScoreSummary> {
  const { score } = parseRecipe(job.recipe)
  return await alone('score', options, async (context, use) => {
    const clip = await resolveModel(job.clip, job.sources, context.signal)
    const given = await givenCandidates(context, job)
    const models = use({ clip })
    const scores = await scoreStage(context, models.clip, clip.hash, score, { ...given, round: 1 })
    const isThere = inFolder(job.results, context.signal)
    await sendFiles(datasetPictures(given.dataset, options.store, isThere), options.send)
    await sendFiles([scoresFile(scores)], options.send)
    return scores.summary
  })
}

/** What a run knows and an adapter by itself does not tell. */
const TRAINED_ON =
  'Which pictures the adapter was trained on is not known here: on those among them the figures are better than on new ones.'

/**
 * Measures a model on pictures whose truth is known: `evaluation.json`, of a model with an adapter as of a run.
 * @throws {DataError} when no picture's truth is known.
 */
export async function evaluateCommand(
  job: EvaluateJob,
  options: StageOptions,
): Promise<EvaluateSummary | LoneEvaluation> {
  const { evaluate: settings, caption, seed } = parseRecipe(job.recipe)
  const { sources } = job
  const prompt = settings.prompt ?? caption.prompts[0] ?? ''
  return await alone('evaluate', options, async (context, use) => {
    const policy = await resolveModel(job.model, sources, context.signal)
    const clip = job.zeroShot && (await resolveModel(job.zeroShot.clip, sources, context.signal))
    const adapter = await adapterSource(job.adapter, context.signal)
    const planned = writingUse([prompt], 1, settings.max_new_tokens)
    const models = use({ policy, use: planned, ...(clip ? { clip } : {}) })
    const measure = async (data: DatasetRef, name: string) => {
      const dataset = await datasetStage(context, data, { sources, round: 0, part: name || 'heldout' })
      expectTruth(data, dataset)
      const space = name && `${name} `
      const shared = { dataset, policy, prompt }
      const before = await measureStage(context, models, settings, { ...shared, part: `${space}before` })
      if (!adapter) return { dataset, before }
      const tuned = { adapter, base: before }
      const after = await measureStage(context, models, settings, { ...shared, tuned, part: `${space}after` })
      return { dataset, before, after }
    }
    const main = await measure(job.data, '')
    const zeroShot = job.zeroShot && (await measure(job.zeroShot.data, 'zero-shot'))
    const vocabulary = await evaluationVocabulary(job.data.source, main.dataset, sources, context.signal)
    const shared = { vocabulary, seed }
    const summary =
      main.after === undefined
        ? await evaluateAlone(context, models.clip, settings, {
            ...shared,
            main,
            ...(zeroShot ? { zeroShot } : {}),
          })
        : (
            await evaluateStage(context, models.clip, clip?.hash ?? '', settings, {
              ...shared,
              main: { ...main, after: main.after },
              ...(zeroShot?.after ? { zeroShot: { ...zeroShot, after: zeroShot.after } } : {}),
            })
          ).summary
    if (adapter) context.emit({ kind: 'note', text: TRAINED_ON })
    await options.send('evaluation.json', jsonBlob(summary))
    return summary
  })
}

/** @throws {DataError} when nothing is known of the pictures, before anything that takes long is done. */
function expectTruth({ source }: DatasetRef, { summary }: DatasetOutput): void {
  if (summary.withTruth > 0) return
  throw new DataError(
    `${source}: expected pictures whose truth is known (columns truth and hallu, or AMBER’s files), got none`,
  )
}

/** Runs a stage by itself, in a record of its own so that its units are kept. @param work `use` opens models. */
async function alone<T>(
  name: string,
  { store, signal, emit }: StageOptions,
  work: (
    context: StageContext,
    use: (sources: Pick<ModelOptions, 'policy' | 'use' | 'clip'>) => RunModels,
  ) => Promise<T>,
): Promise<T> {
  const described = { name, recipe: {}, recipeHash: '' }
  return await withRun({ store, id: `command ${name}`, described, signal }, async (run: OpenRun) => {
    let models: RunModels | undefined
    const peakGpuBytes = async (): Promise<number | undefined> => await models?.peakGpuBytes()
    try {
      const workTime = (): number => performance.now() // nothing pauses it
      return await work({ store, run, signal, emit, peakGpuBytes, workTime }, (sources) => {
        models = openModels({ ...sources, store, signal, emit })
        return models
      })
    } finally {
      models?.close()
    }
  })
}

function inFolder(folder: FolderSpec, signal: AbortSignal): (path: string) => Promise<boolean> {
  const results = openFolder(folder)
  return async (path) => (await results.open(path, signal)) !== undefined
}

/** PEFT's files of an adapter's folder. @throws {DataError} when one is missing. */
async function adapterSource(
  folder: FolderSpec | undefined,
  signal: AbortSignal,
): Promise<AdapterSource | undefined> {
  if (!folder) return undefined
  const opened = openFolder(folder)
  const read = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const source = await opened.open(path, signal)
    if (!source) throw new DataError(`adapter: expected a file ${path}, found none`)
    return await source.read(0, source.byteLength, signal)
  }
  const files: PeftFiles = {
    'adapter_config.json': new TextDecoder().decode(await read('adapter_config.json')),
    'adapter_model.safetensors': await read('adapter_model.safetensors'),
  }
  return { files, hash: await adapterHash(files) }
}
