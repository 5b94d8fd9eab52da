import { packedLayout } from '../../kernels/packing.ts'
import { NO_ROW } from '../../kernels/rows.ts'
import type { Prefix } from './batch.ts'

type Words = Uint32Array<ArrayBuffer>

/** Rows of one pass over prefixes (T), which stand one after the other in a cache, and the last row of each (P). */
export interface PrefixLayout {
  readonly ids: Words // (T)
  /** Row of the features that replaces each token, `NO_ROW` for words. */
  readonly featureIndex: Words // (T)
  readonly features: number
  readonly positions: Words // (T)
  readonly ranges: Words // (T, 4), rows of the cache
  readonly cacheIndex: Words // (T)
  readonly pairs: number
  readonly last: {
    readonly index: Words // (P), rows of the pass
    readonly positions: Words // (P)
    readonly ranges: Words // (P, 4), rows of the cache
    readonly pairs: number
  }
}

/** @param cacheStart the cache row of the first prefix's first token. */
export function prefixLayout(
  prefixes: readonly Prefix[],
  cacheStart: number,
  imageTokenId: number | undefined,
): PrefixLayout {
  const ids = Uint32Array.from(prefixes.flatMap((prefix) => prefix.ids))
  const { positions, ranges, pairs } = packedLayout(
    prefixes.map((prefix) => ({ prefixLength: prefix.ids.length, segmentLengths: [] })),
  )
  let features = 0
  const featureIndex = ids.map((id) => (id === imageTokenId ? features++ : NO_ROW))
  const lengths = prefixes.map((prefix) => prefix.ids.length)
  const ends: number[] = []
  for (const length of lengths) ends.push((ends.at(-1) ?? 0) + length)
  const seen = ends.flatMap((end, i) => [cacheStart + end - (lengths[i] ?? 0), cacheStart + end, 0, 0])
  return {
    ids,
    featureIndex,
    features,
    positions,
    // A prefix's rows see the keys of their own interval, the last two words.
    ranges: ranges.map((key, i) => (i % 4 < 2 ? key : cacheStart + key)),
    cacheIndex: ids.map((_, i) => cacheStart + i),
    pairs,
    last: {
      index: Uint32Array.from(ends, (end) => end - 1),
      positions: Uint32Array.from(lengths, (length) => length - 1),
      ranges: Uint32Array.from(seen),
      pairs: ids.length,
    },
  }
}
