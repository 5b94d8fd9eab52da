import type { Tokenizer } from '@huggingface/tokenizers'
import { OnnxTensor } from '../onnx.ts'
import { embedInBatches, type WorkOptions } from './batches.ts'
import { ClipError } from './clip-error.ts'
import type { EmbeddingGraph } from './embedding-graph.ts'

/** Texts embedded at once, at most: on WASM 64 were up to 1.5 times as fast as one (17 tokens, 128 wide). */
const BATCH = 64

/** CLIP's tokenizer and text tower. */
export class TextTower {
  readonly #tokenizer: Tokenizer
  readonly #graph: EmbeddingGraph
  readonly #contextLength: number
  readonly #dim: number

  /** @param config `contextLength` in tokens, `projectionDim` in numbers. */
  constructor(
    tokenizer: Tokenizer,
    graph: EmbeddingGraph,
    config: { readonly contextLength: number; readonly projectionDim: number },
  ) {
    this.#tokenizer = tokenizer
    this.#graph = graph
    this.#contextLength = config.contextLength
    this.#dim = config.projectionDim
  }

  /** A text's token ids with the two around it, however many they are. */
  tokenize(text: string): number[] {
    return this.#tokenizer.encode(text).ids
  }

  /**
   * Embeds texts, those of equal length together, so that none is padded: an embedding does not depend on what else was
   * asked for.
   * @returns (texts, projectionDim), each row of length 1.
   * @throws {ClipError} when a text is past the context; nothing is cut off silently.
   */
  async embed(texts: readonly string[], options: WorkOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    const items = texts.map((text, row) => ({ row, value: this.#checked(text, row) }))
    items.sort((a, b) => a.value.length - b.value.length)
    return await embedInBatches(items, (batch) => this.#run(batch), {
      ...options,
      dim: this.#dim,
      limit: BATCH,
      isAlike: (first, next) => first.length === next.length,
    })
  }

  #checked(text: string, row: number): number[] {
    const ids = this.tokenize(text)
    if (ids.length <= this.#contextLength) return ids
    throw new ClipError(
      `text ${row}: expected at most ${this.#contextLength} tokens, got ${ids.length}; count tokens first, and leave longer texts out or score their sentences`,
    )
  }

  /** @param batch token ids of equally long texts. */
  async #run(batch: readonly (readonly number[])[]): Promise<Float32Array> {
    const shape = [batch.length, batch[0]?.length ?? 0]
    const ids = BigInt64Array.from(batch.flat(), BigInt)
    const feeds: Record<string, InstanceType<typeof OnnxTensor>> = {
      input_ids: new OnnxTensor('int64', ids, shape),
    }
    if (this.#graph.inputNames.includes('attention_mask'))
      feeds.attention_mask = new OnnxTensor('int64', new BigInt64Array(ids.length).fill(1n), shape)
    return await this.#graph.embed(feeds, batch.length)
  }

  async release(): Promise<void> {
    await this.#graph.release()
  }
}
