type Logps = Float32Array<ArrayBuffer>

/** Where a reference's log-probabilities outlive a session, in parts; it may lose any of them. */
export interface ReferenceStore {
  /** @param first the part's first pair. @returns (pairs of the part, 2) */
  get(first: number): Promise<Logps | undefined>
  set(first: number, logps: Logps): Promise<void>
}

export interface ReferenceOptions {
  readonly signal?: AbortSignal
  /** Awaited before every batch; it pauses the pass by not resolving. */
  readonly gate?: () => Promise<void>
  readonly onProgress?: (done: number, total: number) => void
  /** Of everything that determines the reference; what it holds is not computed again. Default none. */
  readonly store?: ReferenceStore
}

/** Pairs of a part that is stored at once. */
const PART_PAIRS = 256

/**
 * Log-probabilities of all pairs' answers, chosen and rejected, in the order of the pairs.
 * @param batch pairs measured at once.
 * @param measure (indices, 2) of the pairs at these places.
 * @returns (pairs, 2)
 */
export async function referencePass(
  pairs: number,
  batch: number,
  measure: (indices: readonly number[]) => Promise<Logps>,
  { signal, gate, onProgress, store }: ReferenceOptions,
): Promise<Logps> {
  const logps = new Float32Array(2 * pairs)
  const part = batch * Math.ceil(PART_PAIRS / batch)
  for (let first = 0; first < pairs; first += part) {
    const end = Math.min(first + part, pairs)
    const kept = await store?.get(first)
    if (kept?.length === 2 * (end - first)) {
      logps.set(kept, 2 * first)
      onProgress?.(end, pairs)
      continue
    }
    for (let start = first; start < end; start += batch) {
      await gate?.()
      signal?.throwIfAborted()
      const indices = Array.from({ length: Math.min(batch, end - start) }, (_, i) => start + i)
      logps.set(await measure(indices), 2 * start)
      onProgress?.(start + indices.length, pairs)
    }
    await store?.set(first, logps.slice(2 * first, 2 * end))
  }
  return logps
}
