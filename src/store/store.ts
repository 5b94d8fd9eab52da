import { ContentStore } from './content.ts'
import { CONTENT_KINDS, KINDS, type Kind, STAGE_KINDS, type StageKind } from './kinds.ts'
import type { Shelves } from './reach.ts'
import { RunStore } from './runs.ts'
import { Shelf, type ShelfOptions } from './shelf.ts'
import { StageStore } from './stages.ts'
import { VectorStore } from './vectors.ts'

/** Everything that outlives a visit. */
export interface Store {
  readonly runs: RunStore
  /** Encoded images by the SHA-256 of their bytes. */
  readonly images: ContentStore
  /** By the SHA-256 of the image they show. */
  readonly thumbnails: ContentStore
  /** CLIP's vectors of images and texts. */
  readonly embeddings: VectorStore
  /** A stage's output, to read; to write it, open a run. @typeParam T a unit, and S the summary. */
  stage<T, S>(kind: StageKind, hash: string): StageStore<T, S>
  /** Bytes stored, by kind. */
  byteLengths(): Promise<Readonly<Record<Kind, number>>>
}

/** Opens the store. Nothing is asked of the browser before the first use. */
export function openStore(options: ShelfOptions = {}): Store {
  const shelves = Object.fromEntries(KINDS.map((kind) => [kind, new Shelf(kind, options)])) as Record<
    Kind,
    Shelf
  >
  const reachable: Shelves = Object.fromEntries(
    [...STAGE_KINDS, ...CONTENT_KINDS].map((kind) => [kind, shelves[kind]]),
  ) as Record<keyof Shelves, Shelf>
  return {
    runs: new RunStore(shelves.runs, reachable, options.prefix ?? 'clip-dpo'),
    images: new ContentStore(shelves.images),
    thumbnails: new ContentStore(shelves.thumbnails),
    embeddings: new VectorStore(shelves.embeddings),
    stage: (kind, hash) => new StageStore(shelves[kind], hash),
    async byteLengths() {
      const sums = KINDS.map(async (kind) => {
        const entries = await shelves[kind].entries()
        return [kind, entries.reduce((total, { byteLength }) => total + byteLength, 0)] as const
      })
      return Object.fromEntries(await Promise.all(sums)) as Record<Kind, number>
    },
  }
}
