import type { ByteSource } from '../../data/bytes.ts'
import { sha256 } from '../../data/sha256.ts'
import { type OnnxSession, type OnnxTensor, openOnnx } from '../onnx.ts'
import { ClipError } from './clip-error.ts'

export type Feeds = Readonly<Record<string, InstanceType<typeof OnnxTensor>>>

/** What one of CLIP's towers takes and gives. */
export interface TowerShape {
  /** Inputs it must have, and those it may have besides. */
  readonly inputs: readonly string[]
  readonly optionalInputs?: readonly string[]
  readonly output: string
  /** Numbers in an embedding. */
  readonly dim: number
}

/** One of CLIP's towers with its projection, in ONNX on WASM. */
export class EmbeddingGraph {
  /** SHA-256 of its file, hexadecimal. */
  readonly hash: string
  readonly inputNames: readonly string[]
  readonly #name: string
  readonly #session: OnnxSession
  readonly #output: string
  readonly #dim: number

  private constructor(name: string, hash: string, session: OnnxSession, { output, dim }: TowerShape) {
    this.#name = name
    this.hash = hash
    this.#session = session
    this.inputNames = session.inputNames
    this.#output = output
    this.#dim = dim
  }

  /**
   * @param onBytes called with the bytes of each part read.
   * @throws {ClipError} when the graph has other inputs or outputs, {Error} ONNX Runtime's when it is no graph.
   */
  static async open(
    source: ByteSource,
    shape: TowerShape,
    { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: (count: number) => void } = {},
  ): Promise<EmbeddingGraph> {
    const bytes = await readParts(source, signal, onBytes)
    const hash = await sha256(bytes)
    const session = await openOnnx(bytes).catch((cause: unknown) => {
      throw new ClipError(
        `${source.name}: expected an ONNX graph: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    })
    try {
      checkGraph(source.name, session, shape)
    } catch (error) {
      await session.release()
      throw error
    }
    return new EmbeddingGraph(source.name, hash, session, shape)
  }

  /**
   * @returns (rows, dim), each row of length 1.
   * @throws {ClipError} when the graph gives another shape, or no finite direction.
   */
  async embed(feeds: Feeds, rows: number): Promise<Float32Array<ArrayBuffer>> {
    const embeds = (await this.#session.run(feeds))[this.#output]
    const dims = embeds?.dims.join(', ')
    if (!(embeds?.data instanceof Float32Array) || dims !== `${rows}, ${this.#dim}`) {
      throw new ClipError(
        `${this.#name}: expected ${this.#output} as float32 (${rows}, ${this.#dim}), got ${embeds?.type} (${dims})`,
      )
    }
    const units = Float32Array.from(embeds.data)
    for (let row = 0; row < rows; row++)
      this.#normalize(units.subarray(row * this.#dim, (row + 1) * this.#dim))
    return units
  }

  #normalize(row: Float32Array): void {
    const norm = Math.sqrt(row.reduce((squares, value) => squares + value * value, 0))
    if (!(norm > 0 && norm < Number.POSITIVE_INFINITY))
      throw new ClipError(
        `${this.#name}: expected ${this.#output} with a finite direction, got length ${norm}`,
      )
    for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / norm
  }

  async release(): Promise<void> {
    await this.#session.release()
  }
}

const PART_BYTES = 8 * 2 ** 20

async function readParts(
  source: ByteSource,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(source.byteLength)
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    const part = await source.read(start, Math.min(start + PART_BYTES, bytes.length), signal)
    bytes.set(part, start)
    onBytes(part.length)
  }
  return bytes
}

/** Refuses a graph that is not this tower, or whose embeddings have another size than `config.json` says. */
function checkGraph(name: string, session: OnnxSession, shape: TowerShape): void {
  const { inputs, optionalInputs = [], output, dim } = shape
  const { inputNames, outputNames } = session
  const known = [...inputs, ...optionalInputs]
  if (!inputs.every((i) => inputNames.includes(i)) || !inputNames.every((i) => known.includes(i)))
    throw new ClipError(
      `${name}: expected inputs ${list(inputs, optionalInputs)}, got ${inputNames.join(', ')}`,
    )
  const found = session.outputMetadata.find((value) => value.name === output)
  if (!found?.isTensor) {
    throw new ClipError(
      `${name}: expected an output ${output} (a tower exported with its projection), got ${outputNames.join(', ')}`,
    )
  }
  const last = found.shape.at(-1)
  if (found.type !== 'float32' || (typeof last === 'number' && last !== dim)) {
    throw new ClipError(
      `${name}: expected ${output} as float32 in rows of projection_dim ${dim}, got ${found.type} (${found.shape.join(', ')})`,
    )
  }
}

function list(required: readonly string[], optional: readonly string[]): string {
  return [...required, ...optional.map((name) => `(${name})`)].join(', ')
}
