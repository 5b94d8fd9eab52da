import type { FileSpec, FolderSpec } from '../data/folder.ts'
import type { ImageDatasetSpec } from '../data/image-dataset.ts'
import type { AmberTruth } from '../evaluate/amber.ts'
import type { MarkedText } from '../evaluate/mark.ts'
import type { MetricTable } from '../evaluate/metrics.ts'
import type { PreferencePair, ScoredCandidate } from '../method/candidate.ts'
import type { FunnelStep } from '../method/funnel.ts'
import type { UnmatchedEdit } from '../method/pair-edits.ts'
import type { PairSettings } from '../method/pair-settings.ts'
import type { RunRecord } from '../store/runs.ts'
import type { SpelledToken, StepMetrics } from '../workers/policy.api.ts'
import type { CachedModel } from './cached-models.ts'
import type { RunDamage } from './damage.ts'
import type { RunEvent, StagePlace } from './events.ts'
import type { ModelDescription, ModelRole } from './inspect-model.ts'
import type { PicturesDescription } from './inspect-pictures.ts'
import type { Recipe } from './recipe.ts'
import type { CardRange, CardSample, PairSample, RunView, ScoreView } from './run-view.ts'
import type { RunSources } from './sources.ts'
import type { DatasetItem } from './stages/dataset.ts'

/**
 * The pipeline and the store for a page, in a worker of their own, so that the page's thread has nothing to do but show.
 * Errors keep their name and message on their way here.
 */
export interface RunnerApi {
  /** The id of the run that a recipe describes. @throws {RecipeError} */
  idOf(recipe: unknown): Promise<string>

  /**
   * Runs a recipe to its end, from wherever an earlier visit left it; one at a time.
   * @throws {RunLockedError} when it is open in another tab; {RecipeError}, {StorageFullError} and what a stage throws; an
   *   `AbortError` after `cancel`.
   */
  run(recipe: unknown, sources: RunSources, onEvent: (event: RunEvent) => void): Promise<void>
  /** Holds the run before its next job, token or step. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Breaks the run off; all that was finished is kept. */
  cancel(): Promise<void>

  /** Calls back whenever a stored value turns out damaged, for as long as the worker lives. */
  watchDamage(onDamage: (damage: RunDamage) => void): Promise<void>

  /** All runs, the latest first. */
  list(): Promise<readonly ListedRun[]>
  /** Whether any run is open, in this tab or another. */
  isAnyOpen(): Promise<boolean>
  /** @throws {UnknownRunError} */
  rename(id: string, name: string): Promise<void>
  /** Deletes a run and what no other run reaches. @throws {RunLockedError} */
  delete(id: string): Promise<void>
  /** Runs laid side by side, in the order of their ids; those that are not there are left out. */
  compare(ids: readonly string[]): Promise<readonly ComparedRun[]>
  /**
   * The finished runs that evaluate adapters of the same training as a run does, itself among them: in the order of the steps,
   * the finished adapter last. They differ in nothing else.
   */
  evaluations(id: string): Promise<readonly ComparedRun[]>
  /** A run's record and its outputs so far; undefined when there is none. */
  open(id: string): Promise<StoredRun | undefined>

  /** Some of a dataset's pictures, in its order, as far as it has been read. @param hash of the dataset's output. */
  pictures(hash: string, start: number, end: number): Promise<PicturePage>
  /** Small copies of pictures, encoded; undefined where there is none. */
  thumbnails(hashes: readonly string[]): Promise<readonly (Uint8Array<ArrayBuffer> | undefined)[]>
  /** A picture as it came. @throws {ImageMissingError} */
  picture(hash: string): Promise<Uint8Array<ArrayBuffer>>
  /** What was written about one picture of a round, with scores and pairs as far as they have come. */
  texts(id: string, round: number, imageHash: string): Promise<PictureTexts>
  /** Texts about one of a run's training pictures, cut at their nouns, with what is invented marked. @param truth what it shows. */
  mark(
    id: string,
    texts: readonly string[],
    truth: AmberTruth,
    sources: Pick<RunSources, 'site'>,
  ): Promise<readonly (readonly MarkedText[])[]>
  /** Scores and gaps of a round, once its pairs are made; undefined before. */
  scores(id: string, round: number): Promise<ScoreView | undefined>
  /** A few pairs of a round, from one place up to another in an order drawn at random; undefined before they are made. */
  pairs(id: string, round: number, start: number, end: number): Promise<PairSample | undefined>
  /** Some of a finished run's evaluated pictures with what was said before and after. @throws {UnfinishedRunError} */
  cards(id: string, range: CardRange): Promise<CardSample>
  /** What pair settings would keep of a round's scored candidates, without anything being run or stored. @param round default 1. */
  previewPairs(hash: string, settings: unknown, round?: number): Promise<PairPreview>
  /** Everything the views of a finished run show. @throws {UnfinishedRunError} */
  view(id: string): Promise<RunView>
  /** One of a finished run's files, which `docs/files.md` tells, but for pictures; undefined where there is none. @throws {UnfinishedRunError} */
  file(id: string, path: string): Promise<Blob | undefined>
  /** A zip of a finished run's files. @throws {UnfinishedRunError}; {DataError} when they are too many for one. */
  archive(id: string, options: ArchiveOptions): Promise<Blob>
  /** What the model of a round has said in the course of its training so far; undefined before it has been looked at. */
  watched(id: string, round: number, sources: Pick<RunSources, 'site'>): Promise<WatchedView | undefined>
  /** A zip of a round's adapter as it was after so many steps, in PEFT's files. @param folder in it. */
  adapterAt(id: string, round: number, step: number, folder: string): Promise<Blob>
  /** A training as far as it has come. @param hash of the training's output. */
  training(hash: string): Promise<TrainingView>

  /** The models whose files are kept in this browser. */
  cachedModels(): Promise<readonly CachedModel[]>
  /** Deletes the files kept of a model; what needs them fetches them again. @param url of its folder. */
  deleteModel(url: string): Promise<void>
  /** Looks whether a folder has what a model of its role needs. @throws {SourceError} when it cannot be reached. */
  inspectModel(folder: FolderSpec, role: ModelRole): Promise<ModelDescription>
  /** SHA-256 that names a model by all its files, see `modelHash`; undefined where there is none of them. */
  modelHash(folder: FolderSpec): Promise<string | undefined>
  /** Looks through pictures that were given, before any is stored. @throws {DataError} when there is none among them. */
  inspectPictures(spec: ImageDatasetSpec): Promise<PicturesDescription>

  /**
   * Asks the model of a finished run about a picture, without the adapter and with it. Another question takes the place of one
   * under way.
   * @param onAnswer called while the model is loaded and as the answers grow.
   * @throws an `AbortError` when another question, a run or `stopAsking` comes between.
   */
  ask(question: Question, onAnswer: (answer: TwoAnswers) => void): Promise<TwoAnswers>
  /** Breaks the question under way off, and the loading of its model. */
  stopAsking(): Promise<void>
}

export interface ListedRun extends Omit<RunRecord, 'notes' | 'stages'> {
  /** Whether it is open, in this tab or another. */
  readonly isOpen: boolean
  /** What it takes in the storage, and of that what no other run has. */
  readonly byteLength: number
  readonly ownByteLength: number
}

/** What of a run is laid beside that of others. */
export interface ComparedRun {
  readonly id: string
  readonly name: string
  /** With all its defaults. */
  readonly recipe: Recipe
  /** The steps of its last round's training so far; empty before it has begun. */
  readonly metrics: readonly StepMetrics[]
  /** Figures before and after training, once it has been evaluated. */
  readonly figures?: { readonly before: MetricTable; readonly after: MetricTable }
}

/** One output of a run. */
export interface StoredOutput extends StagePlace {
  readonly hash: string
  /** Undefined while it is not finished. */
  readonly end?: { readonly seconds: number; readonly peakGpuBytes?: number; readonly summary: unknown }
}

export interface StoredRun {
  readonly record: RunRecord
  readonly isOpen: boolean
  readonly outputs: readonly StoredOutput[]
}

export interface PicturePage {
  /** Pictures read so far. */
  readonly total: number
  readonly items: readonly Pick<DatasetItem, 'name' | 'hash' | 'captions' | 'truth' | 'width' | 'height'>[]
}

export interface PictureTexts {
  /** In the order they were written; with scores once they have them. */
  readonly candidates: readonly (Omit<ScoredCandidate, 'scores'> & Partial<Pick<ScoredCandidate, 'scores'>>)[]
  readonly pairs: readonly PreferencePair[]
}

export interface TrainingView {
  readonly steps: readonly StepMetrics[]
  /** Time from one step to the next, and the most GPU memory taken, once it has ended and where they were measured. */
  readonly stepSeconds?: number
  readonly peakGpuBytes?: number
}

/** A training as it was looked at on its way; looks in the order they were taken. */
export interface WatchedView {
  readonly prompt: string
  readonly pictures: readonly {
    readonly name: string
    readonly hash: string
    /** What it shows, where that is known. */
    readonly truth?: readonly string[]
  }[]
  readonly states: readonly {
    /** Steps done before. */
    readonly step: number
    /** By picture, with what is invented marked where that is known. */
    readonly answers: readonly (readonly MarkedText[])[]
    /** Whether `adapterAt` has the adapter of then. */
    readonly isKept: boolean
  }[]
}

/** What of a run is packed. */
export interface ArchiveOptions {
  /** The folder that all files are in. */
  readonly folder: string
  /** Paths of files, and of folders with a slash at their end. Default everything. */
  readonly parts?: readonly string[]
  /** Files beside. */
  readonly more?: readonly { readonly path: string; readonly blob: Blob }[]
}

export interface PairPreview {
  readonly settings: PairSettings
  readonly candidates: number
  readonly pairs: number
  readonly funnel: readonly FunnelStep[]
  /** Edits by hand that would find nothing. */
  readonly unmatchedEdits: readonly UnmatchedEdit[]
}

export interface Question {
  /** A run that has ended. */
  readonly run: string
  readonly sources: RunSources
  /** A file, or the hash of a stored picture. */
  readonly picture: FileSpec | { readonly hash: string }
  readonly prompt: string
  /** Factor on the adapter's effect. */
  readonly strength: number
  /** The adapter as it was after so many steps of a round (`adapterAt`). Default the one the run is evaluated with. */
  readonly after?: { readonly round: number; readonly step: number }
  /** What is in the picture, so that the answers' nouns are judged. Default nothing is known. */
  readonly truth?: AmberTruth
  /** The embedded data set whose nouns count. Default those that count in the run's evaluation. */
  readonly world?: string
}

/** What a model said about a picture; it grows while it is being written. */
export interface ShownAnswer {
  readonly text: string
  /** The text cut at its nouns, where the picture's truth is known. */
  readonly marked?: readonly MarkedText[]
  /** Once it is whole. */
  readonly tokens?: readonly SpelledToken[]
}

/** What the model says without the adapter and with it; undefined before its first word. */
export interface TwoAnswers {
  /** While the model is loaded, how much of it is there. */
  readonly loading?: { readonly what: string; readonly done: number; readonly total: number }
  readonly base?: ShownAnswer
  readonly tuned?: ShownAnswer
}
