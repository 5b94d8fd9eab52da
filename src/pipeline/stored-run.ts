import type { Candidate, PreferencePair, ScoredCandidate } from '../method/candidate.ts'
import type { StageKind } from '../store/kinds.ts'
import type { RunRecord } from '../store/runs.ts'
import type { StageStore, UnitKey } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import { evaluatedAdapter } from './evaluated-adapter.ts'
import type { StagePlace } from './events.ts'
import { parseRecipe } from './recipe.ts'
import type { MeasuredSet, RoundOutput, RunOutput } from './run.ts'
import { isSamePlace, notesOf, type PlacedOutput } from './run-notes.ts'
import type { PicturePage, PictureTexts, StoredRun } from './runner.api.ts'
import type { StageEnd, StageOutput } from './stage.ts'
import type { CaptionOutput } from './stages/caption.ts'
import type { DatasetItem, DatasetOutput } from './stages/dataset.ts'
import type { EvaluateOutput } from './stages/evaluate.ts'
import type { MeasureOutput } from './stages/measure.ts'
import type { PairOutput } from './stages/pair.ts'
import type { ScoredChunk, ScoreOutput } from './stages/score.ts'
import type { TrainOutput } from './stages/train.ts'
import { countTrainedOn } from './trained-on.ts'

/** A run as it lies in the store. */
export async function readStoredRun(store: Store, id: string): Promise<StoredRun | undefined> {
  const record = await store.runs.get(id)
  if (!record) return undefined
  const outputs = await Promise.all(
    notesOf(record).outputs.map(async ({ kind, hash, stage, round, part }) => {
      const end = (await store.stage<unknown, StageEnd<unknown>>(kind, hash).done())?.summary
      return { stage, round, ...(part === undefined ? {} : { part }), hash, ...(end ? { end } : {}) }
    }),
  )
  return { record, isOpen: await store.runs.isOpen(id), outputs }
}

/** Pictures by place and places by picture, read unit by unit as they come and then held. */
export class PictureIndex {
  readonly #units: StageStore<readonly DatasetItem[]>
  readonly #items: DatasetItem[] = []
  readonly #unitOf = new Map<string, UnitKey>()
  #read = 0
  #reading: Promise<void> | undefined

  constructor(store: Store, hash: string) {
    this.#units = store.stage('datasets', hash)
  }

  async page(start: number, end: number): Promise<PicturePage> {
    await this.#update()
    const items = this.#items.slice(start, end).map(({ name, hash, captions, truth, width, height }) => ({
      name,
      hash,
      width,
      height,
      ...(captions ? { captions } : {}),
      ...(truth ? { truth } : {}),
    }))
    return { total: this.#items.length, items }
  }

  /** The unit in which a picture lies, which all stages after it share. */
  async unitOf(imageHash: string): Promise<UnitKey | undefined> {
    await this.#update()
    return this.#unitOf.get(imageHash)
  }

  /** One at a time: two would add the same pictures twice. */
  async #update(): Promise<void> {
    this.#reading ??= this.#readNew().finally(() => {
      this.#reading = undefined
    })
    await this.#reading
  }

  async #readNew(): Promise<void> {
    for (const key of (await this.#units.keys()).slice(this.#read)) {
      const items = await this.#units.get(key)
      if (!items) return // it is being made anew
      this.#read++
      this.#items.push(...items)
      for (const { hash } of items) this.#unitOf.set(hash, key)
    }
  }
}

/** What was written about a picture of a run. @param unit where the picture lies in its dataset. */
export async function readTexts(
  store: Store,
  outputs: readonly PlacedOutput[],
  { round, imageHash, unit }: { round: number; imageHash: string; unit: UnitKey },
): Promise<PictureTexts> {
  const read = async <T>(
    stage: StagePlace['stage'],
    kind: StageKind,
    part?: string,
  ): Promise<T | undefined> => {
    const output = outputs.find((other) => isSamePlace(other, { stage, round, ...(part ? { part } : {}) }))
    return output && (await store.stage<T, unknown>(kind, output.hash).get(unit))
  }
  const scored = await read<ScoredChunk>('score', 'scores')
  const written: readonly (Omit<ScoredCandidate, 'scores'> & Partial<Pick<ScoredCandidate, 'scores'>>)[] =
    scored?.candidates ??
    (await read<Candidate[]>('caption', 'candidates', 'questions')) ??
    (await read<Candidate[]>('caption', 'candidates')) ??
    []
  const pairs = (await read<PreferencePair[]>('pair', 'pairs')) ?? []
  return {
    candidates: written.filter((candidate) => candidate.imageHash === imageHash),
    pairs: pairs.filter((pair) => pair.imageHash === imageHash),
  }
}

/** A run has not come to its end, or part of it was lost. */
export class UnfinishedRunError extends Error {
  override readonly name = 'UnfinishedRunError'
}

/** Everything a finished run has made, from the store alone. @throws {UnfinishedRunError} */
export async function readRunOutput(store: Store, record: RunRecord): Promise<RunOutput> {
  const recipe = parseRecipe(record.recipe)
  const { outputs, models, device } = notesOf(record)
  const read = async <O>(stage: StagePlace['stage'], round: number, part?: string): Promise<O> => {
    const found = await openOutput(store, outputs, { stage, round, ...(part === undefined ? {} : { part }) })
    if (found) return found as O
    const place = [stage, part, round > 0 ? `round ${round}` : undefined].filter(Boolean).join(' ')
    throw new UnfinishedRunError(
      `run ${record.id}: expected ${place} to be finished, found it is not; run it`,
    )
  }
  const rounds: RoundOutput[] = []
  for (let round = 1; round <= recipe.rounds; round++) {
    rounds.push({
      captions: await read<CaptionOutput>('caption', round),
      ...(recipe.caption.questions
        ? { questions: await read<CaptionOutput>('caption', round, 'questions') }
        : {}),
      scores: await read<ScoreOutput>('score', round),
      pairs: await read<PairOutput>('pair', round),
      training: await read<TrainOutput>('train', round),
    })
  }
  const trained = await read<DatasetOutput>('dataset', 1, 'train')
  const measured = async (name: MeasuredSet['name'], part: string, source: string): Promise<MeasuredSet> => {
    const dataset = await read<DatasetOutput>('dataset', 0, part)
    return {
      name,
      source,
      dataset,
      before: await read<MeasureOutput>('evaluate', 0, `${name}before`),
      after: await read<MeasureOutput>('evaluate', 0, `${name}after`),
      trainedOn: await countTrainedOn(dataset, trained),
    }
  }
  const { dataset: heldout, zero_shot: objects, shown } = recipe.evaluate
  if (!models) throw new UnfinishedRunError(`run ${record.id}: expected one that has ended; run it`)
  return {
    recipe,
    dataset: trained,
    rounds,
    evaluation: await read<EvaluateOutput>('evaluate', 0),
    measured: [
      await measured('', 'heldout', heldout.source),
      ...(objects ? [await measured('zero-shot ', 'zero-shot', objects.source)] : []),
      ...(shown ? [await measured('shown ', 'shown', shown.source)] : []),
    ],
    adapter: await evaluatedAdapter(
      rounds.map(({ training }) => training),
      recipe.evaluate.adapter,
    ),
    models,
    recipeHash: record.recipeHash,
    ...(device ? { device } : {}),
  }
}

/** A finished output of a run; undefined where there is none. */
export async function openOutput(
  store: Store,
  outputs: readonly PlacedOutput[],
  place: StagePlace,
): Promise<StageOutput<unknown, unknown> | undefined> {
  const found = outputs.find((output) => isSamePlace(output, place))
  if (!found) return undefined
  const units = store.stage<unknown, StageEnd<unknown>>(found.kind, found.hash)
  const end = await units.done()
  return end && { hash: found.hash, units, ...end.summary }
}
