/** A batch takes about this long, so that progress is told and a cancellation heard in time. */
const TARGET_MS = 100

/** What is to be embedded, and where its embedding goes. */
export interface Item<T> {
  /** Row among the embeddings. */
  readonly row: number
  readonly value: T
}

export interface WorkOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each batch or part, with what is done and all there is. */
  readonly onProgress?: ((progress: { done: number; total: number }) => void) | undefined
}

interface Batching<T> extends WorkOptions {
  /** Numbers in an embedding. */
  readonly dim: number
  /** Most items of a batch. */
  readonly limit: number
  /** Whether an item may join a batch that begins with `first`. Default always. */
  readonly isAlike?: (first: T, next: T) => boolean
}

/**
 * Embeds items in their order, in batches that grow up to `limit` while they take less than a tenth of a second.
 * @param embed gives a batch's embeddings (batch, dim).
 * @returns (items, dim), by each item's row.
 */
export async function embedInBatches<T>(
  items: readonly Item<T>[],
  embed: (batch: readonly T[]) => Promise<Float32Array>,
  { dim, limit, isAlike = () => true, signal, onProgress }: Batching<T>,
): Promise<Float32Array<ArrayBuffer>> {
  const rows = new Float32Array(items.length * dim)
  let size = 1
  for (let done = 0; done < items.length; ) {
    await nextTask()
    signal?.throwIfAborted()
    const batch = alikeFrom(items, done, size, isAlike)
    const start = performance.now()
    const embedded = await embed(batch.map(({ value }) => value))
    const fitting = Math.floor((batch.length * TARGET_MS) / Math.max(performance.now() - start, 1))
    size = Math.max(1, Math.min(limit, 2 * size, fitting))
    batch.forEach(({ row }, i) => {
      rows.set(embedded.subarray(i * dim, (i + 1) * dim), row * dim)
    })
    done += batch.length
    onProgress?.({ done, total: items.length })
  }
  signal?.throwIfAborted()
  return rows
}

/** The items from `start` on that can share a batch of at most `size`. */
function alikeFrom<T>(
  items: readonly Item<T>[],
  start: number,
  size: number,
  isAlike: (first: T, next: T) => boolean,
): readonly Item<T>[] {
  const batch = items.slice(start, start + size)
  const first = batch[0]
  const end = batch.findIndex((item) => first !== undefined && !isAlike(first.value, item.value))
  return end < 0 ? batch : batch.slice(0, end)
}

/** Resolves in a task of its own: a worker that computes without pause hears messages only between tasks. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
