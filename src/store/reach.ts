import { CONTENT_KINDS, type ContentKind, STAGE_KINDS, type StageKind } from './kinds.ts'
import type { Shelf } from './shelf.ts'

/** A stage's output that a run uses. */
export interface StageRef {
  readonly kind: StageKind
  readonly hash: string
}

export function isSameRef(a: StageRef, b: StageRef): boolean {
  return a.kind === b.kind && a.hash === b.hash
}

/** What can be reached from runs, one shelf a kind. */
export type Shelves = Readonly<Record<StageKind | ContentKind, Shelf>>

/** What a run takes in the storage, in bytes. */
export interface RunUsage {
  /** Everything it reaches. */
  readonly byteLength: number
  /** Of that, what no other run reaches: what deleting it frees. */
  readonly ownByteLength: number
}

/** The hashes and keys reached, by kind. */
type Reach = ReadonlyMap<StageKind | ContentKind, ReadonlySet<string>>

/** Follows runs to the outputs of their stages, and these to the images, thumbnails and embeddings they refer to. */
async function reachOf(shelves: Shelves, stages: Iterable<StageRef>): Promise<Reach> {
  const reach = new Map<StageKind | ContentKind, Set<string>>()
  const add = (kind: StageKind | ContentKind, keys: readonly string[]): void => {
    const set = reach.get(kind) ?? new Set()
    reach.set(kind, set)
    for (const key of keys) set.add(key)
  }
  for (const { kind, hash } of stages) {
    if (reach.get(kind)?.has(hash)) continue
    add(kind, [hash])
    for (const refers of await shelves[kind].references([hash]))
      for (const content of CONTENT_KINDS) add(content, refers[content] ?? [])
  }
  return reach
}

/**
 * Removes what none of the runs reaches, by their records alone; nobody may be writing.
 * @param stages of all runs there are.
 * @returns the bytes freed.
 */
export async function sweep(shelves: Shelves, stages: Iterable<StageRef>): Promise<number> {
  const reach = await reachOf(shelves, stages)
  let freed = 0
  for (const kind of [...STAGE_KINDS, ...CONTENT_KINDS]) {
    const unreached = (await shelves[kind].entries()).filter(
      ({ key }) => !reach.get(kind)?.has(String(key[0])),
    )
    await shelves[kind].delete(unreached.map(({ key }) => key))
    freed += unreached.reduce((total, { byteLength }) => total + byteLength, 0)
  }
  return freed
}

/** What each of the runs takes, from the indices alone. @param runs their stages by the run's id. */
export async function usageOf(
  shelves: Shelves,
  runs: ReadonlyMap<string, readonly StageRef[]>,
): Promise<Map<string, RunUsage>> {
  const reaches = new Map<string, Reach>()
  for (const [id, stages] of runs) reaches.set(id, await reachOf(shelves, stages))
  const usage = new Map([...runs.keys()].map((id) => [id, { byteLength: 0, ownByteLength: 0 }]))
  for (const kind of [...STAGE_KINDS, ...CONTENT_KINDS]) {
    for (const { key, byteLength } of await shelves[kind].entries()) {
      const owners = [...reaches].filter(([, reach]) => reach.get(kind)?.has(String(key[0])))
      for (const [id] of owners) {
        const sum = usage.get(id)
        if (!sum) continue
        sum.byteLength += byteLength
        if (owners.length === 1) sum.ownByteLength += byteLength
      }
    }
  }
  return usage
}
