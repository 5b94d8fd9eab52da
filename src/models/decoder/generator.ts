import type { Gpu } from '../../gpu/gpu.ts'
import { createSample, type Sample } from '../../kernels/sample.ts'
import { BatchError, checkPrefix, type PackOptions, type Prefix } from './batch.ts'
import { type AnswerRow, DecodeBatch } from './decode-batch.ts'
import type { Decoder } from './decoder.ts'
import { type EndsAt, endEarly } from './early-end.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import type { ActiveAdapter } from './linear.ts'

export interface GenerateOptions {
  readonly adapter?: ActiveAdapter | undefined
  readonly signal?: AbortSignal
  /** Called whenever answers have grown, with those that have. */
  readonly onTokens?: (grown: readonly Generation[]) => void
  /** Ends answers by what they say, before a stop token does. */
  readonly endsAt?: EndsAt
  /** Awaited now and then; it pauses the writing by not resolving. */
  readonly gate?: () => Promise<void>
}

export interface GeneratorLimits {
  /** Answers decoded at once. Default as many as have 256 MiB of keys and values of their own, from 16 to 256. */
  readonly maxRows?: number
  /** Rows of prefixes computed at once. Default as many as have 2 MiB in the residual stream, from 512 to 4096. */
  readonly maxPrefixRows?: number
  /** Tokens decoded between two looks at which answers have ended. Default 4. */
  readonly stride?: number
}

/** What the default limits let a group of answers take, in numbers of 4 bytes. */
const CACHE_NUMBERS = 2 ** 26
const PREFIX_NUMBERS = 2 ** 19

type Wanted = Pick<AnswerRow, 'generation' | 'request'>

/** Writes answers: many prefixes at once, each computed once, all their answers decoded in one batch. */
export class Generator {
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #sample: Sample
  readonly #pack: Omit<PackOptions, 'maxPositions'>
  readonly #limits: GeneratorLimits
  readonly #stride: number

  private constructor(
    gpu: Gpu,
    decoder: Decoder,
    sample: Sample,
    pack: Omit<PackOptions, 'maxPositions'>,
    limits: GeneratorLimits,
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
    this.#sample = sample
    this.#pack = pack
    this.#limits = limits
    this.#stride = limits.stride ?? 4
  }

  /** Compiles what sampling takes. @throws {KernelError} when a shader does not compile. */
  static async create(
    gpu: Gpu,
    decoder: Decoder,
    imageTokenId: number | undefined,
    limits: GeneratorLimits = {},
  ): Promise<Generator> {
    const { hiddenSize, vocabSize } = decoder.config
    return new Generator(
      gpu,
      decoder,
      await createSample(gpu),
      { imageTokenId, hiddenSize, vocabSize },
      limits,
    )
  }

  /**
   * Writes `candidates` answers for every request.
   * @returns generations in the order of requests and candidates.
   * @throws {BatchError} for a prefix that does not fit the model or leaves too few positions for the answer; the
   *   signal's reason when cancelled.
   */
  async generate(
    requests: readonly GenerationRequest[],
    settings: GenerationSettings,
    options: GenerateOptions = {},
  ): Promise<Generation[]> {
    requests.forEach(({ prefix }, i) => {
      this.#check(prefix, `request ${i}`, settings.maxNewTokens)
    })
    const all: Generation[] = []
    for (const group of this.#groups(requests, settings.maxNewTokens))
      all.push(...(await this.#generateGroup(group, settings, options)))
    return all
  }

  async #generateGroup(
    wanted: readonly Wanted[],
    settings: GenerationSettings,
    options: GenerateOptions,
  ): Promise<Generation[]> {
    const { gate, onTokens, signal, adapter, endsAt } = options
    signal?.throwIfAborted()
    const sizes = { stride: this.#stride, imageTokenId: this.#pack.imageTokenId }
    const batch = new DecodeBatch(this.#gpu, this.#decoder, this.#sample, wanted, settings, sizes)
    try {
      batch.prefill(adapter)
      let active = batch.rows
      while (active.length > 0) {
        const lengths = active.map(({ generation }) => generation.tokens.length)
        await batch.collect(active)
        if (endsAt)
          for (const [i, { generation }] of active.entries()) endEarly(generation, lengths[i] ?? 0, endsAt)
        onTokens?.(active.map(({ generation }) => generation))
        signal?.throwIfAborted()
        await gate?.()
        active = active.filter(({ generation }) => generation.finishReason === undefined)
        if (active.length > 0) batch.decode(active, adapter)
      }
    } finally {
      batch.release()
    }
    return wanted.map(({ generation }) => generation)
  }

  /** Splits requests, and the candidates of one, into groups that fit in one decode batch. */
  #groups(requests: readonly GenerationRequest[], maxNewTokens: number): Wanted[][] {
    const { hiddenSize, numLayers, numKvHeads, headDim } = this.#decoder.config
    const {
      maxRows = between(16, CACHE_NUMBERS / (2 * numLayers * numKvHeads * headDim * maxNewTokens), 256),
      maxPrefixRows = between(512, PREFIX_NUMBERS / hiddenSize, 4096),
    } = this.#limits
    const groups: Wanted[][] = []
    let prefixRows = 0
    requests.forEach((request, index) => {
      for (let candidate = 0; candidate < request.candidates; candidate++) {
        let group = groups.at(-1)
        const added = group?.at(-1)?.request === request ? 0 : request.prefix.ids.length
        if (!group || group.length >= maxRows || prefixRows + added > maxPrefixRows) {
          group = []
          groups.push(group)
          prefixRows = request.prefix.ids.length
        } else {
          prefixRows += added
        }
        const generation = {
          request: index,
          candidate,
          tokens: [],
          logprobs: [],
          top: [],
          finishReason: undefined,
        }
        group.push({ generation, request })
      }
    })
    return groups
  }

  #check(prefix: Prefix, where: string, maxNewTokens: number): void {
    checkPrefix(prefix, where, this.#pack)
    const room = this.#decoder.maxPositions - maxNewTokens
    if (maxNewTokens < 1 || prefix.ids.length > room) {
      throw new BatchError(
        `${where}: expected at most ${room} tokens before ${maxNewTokens} new ones ` +
          `(${this.#decoder.maxPositions} positions), got ${prefix.ids.length}`,
      )
    }
  }
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(value)))
}
