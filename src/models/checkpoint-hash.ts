import type { TensorEntry } from '../data/safetensors.ts'
import { sha256 } from '../data/sha256.ts'

/** Hashes a checkpoint's tensors while they are read, so that nothing is read twice. */
export class CheckpointHash {
  /** The tensors, to be read in place of those given. */
  readonly tensors: ReadonlyMap<string, TensorEntry>
  /** By tensor, type, shape and place in it: the SHA-256 of what was read. */
  readonly #parts = new Map<string, string>()
  /** One at a time, beside what the reader does meanwhile. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(tensors: ReadonlyMap<string, TensorEntry>) {
    this.tensors = new Map([...tensors].map(([name, entry]) => [name, this.#watched(name, entry)]))
  }

  /** SHA-256 of all that was read so far, with names, types and shapes. */
  async digest(): Promise<string> {
    await this.#last
    const parts = [...this.#parts].sort(([a], [b]) => (a < b ? -1 : 1))
    return await sha256(new TextEncoder().encode(JSON.stringify(parts)))
  }

  #watched(name: string, entry: TensorEntry): TensorEntry {
    const { source, dtype, shape } = entry
    const { name: file, byteLength } = source
    const read: typeof source.read = async (start, end, signal) => {
      const bytes = await source.read(start, end, signal)
      await this.#last
      this.#last = sha256(bytes).then((hash) => {
        this.#parts.set(JSON.stringify([name, dtype, shape, start - entry.start]), hash)
      })
      return bytes
    }
    return { ...entry, source: { name: file, byteLength, read } }
  }
}
