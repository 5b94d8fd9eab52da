import type { PreferencePair, ScoredCandidate } from '../method/candidate.ts'
import type { StageKind } from '../store/kinds.ts'
import type { StageStore, UnitKey } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { StagePlace } from './events.ts'
import { notesOf, type PlacedOutput } from './run-notes.ts'
import type { PicturePage, PictureTexts, StoredRun } from './runner.api.ts'
import type { StageEnd } from './stage.ts'
import type { CaptionOutput } from './stages/caption.ts'
import type { DatasetItem } from './stages/dataset.ts'
import type { ScoredChunk } from './stages/score.ts'

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
  const read = async <T>(stage: StagePlace['stage'], kind: StageKind): Promise<T | undefined> => {
    const output = outputs.find((other) => other.stage === stage && other.round === round)
    return output && (await store.stage<T, unknown>(kind, output.hash).get(unit))
  }
  const scored = await read<ScoredChunk>('score', 'scores')
  const written: readonly (Omit<ScoredCandidate, 'scores'> & Partial<Pick<ScoredCandidate, 'scores'>>)[] =
    scored?.candidates ??
    (await read<Awaited<ReturnType<CaptionOutput['units']['get']>>>('caption', 'candidates')) ??
    []
  const pairs = (await read<PreferencePair[]>('pair', 'pairs')) ?? []
  return {
    candidates: written.filter((candidate) => candidate.imageHash === imageHash),
    pairs: pairs.filter((pair) => pair.imageHash === imageHash),
  }
}
