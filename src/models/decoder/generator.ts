import type { Gpu } from '../../gpu/gpu.ts'
import { createSample, type Sample } from '../../kernels/sample.ts'
import { BatchError, checkPrefix, type PackOptions, type Prefix } from './batch.ts'
import { type BegunAnswer, DecodeBatch } from './decode-batch.ts'
import type { Decoder } from './decoder.ts'
import { type EndsAt, endEarly } from './early-end.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import { type FittedLimits, fitLimits } from './generation-fit.ts'
import { type GeneratorLimits, generatorLimits, groupAnswers, type Wanted } from './generation-groups.ts'
import type { ActiveAdapter } from './linear.ts'
import { MemoryError } from './memory-fit.ts'
import { megabytes } from './memory-plan.ts'

export interface GenerateOptions {
  readonly adapter?: ActiveAdapter | undefined
  readonly signal?: AbortSignal
  /** Number of the first request, where these are part of more. Default 0. */
  readonly first?: number
  /** Called whenever answers have grown, with those that have. */
  readonly onTokens?: (grown: readonly Generation[]) => void
  /** Ends answers by what they say, before a stop token does. */
  readonly endsAt?: EndsAt
  /** Awaited now and then; it pauses the writing by not resolving. */
  readonly gate?: () => Promise<void>
}

export interface GeneratorOptions extends GeneratorLimits {
  /** Tokens decoded between two looks at which answers have ended. Default 4. */
  readonly stride?: number
  /** Most bytes of everything on the GPU; fewer answers are written at once where more would not fit. Default no limit. */
  readonly budgetBytes?: number
}

/** Writes answers: many prefixes at once, each computed once, all their answers decoded in one batch. */
export class Generator {
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #sample: Sample
  readonly #pack: Omit<PackOptions, 'maxPositions'>
  readonly #limits: GeneratorLimits
  readonly #stride: number
  readonly #budgetBytes: number

  private constructor(
    gpu: Gpu,
    decoder: Decoder,
    sample: Sample,
    pack: Omit<PackOptions, 'maxPositions'>,
    options: GeneratorOptions,
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
    this.#sample = sample
    this.#pack = pack
    this.#limits = options
    this.#stride = options.stride ?? 4
    this.#budgetBytes = options.budgetBytes ?? Number.POSITIVE_INFINITY
  }

  /** Compiles what sampling takes. @throws {KernelError} when a shader does not compile. */
  static async create(
    gpu: Gpu,
    decoder: Decoder,
    imageTokenId: number | undefined,
    options: GeneratorOptions = {},
  ): Promise<Generator> {
    const { hiddenSize, vocabSize } = decoder.config
    return new Generator(
      gpu,
      decoder,
      await createSample(gpu),
      { imageTokenId, hiddenSize, vocabSize },
      options,
    )
  }

  /**
   * Writes `candidates` answers for every request.
   * @returns generations in the order of requests and candidates, by their numbers from `options.first` on.
   * @throws {BatchError} for a prefix that does not fit the model or leaves too few positions for the answer; {MemoryError}
   *   where not even one answer fits the budget; the signal's reason when cancelled.
   */
  async generate(
    requests: readonly GenerationRequest[],
    settings: GenerationSettings,
    options: GenerateOptions = {},
  ): Promise<Generation[]> {
    const { first = 0 } = options
    requests.forEach(({ prefix }, i) => {
      this.#check(prefix, `request ${first + i}`, settings.maxNewTokens)
    })
    const all: Generation[] = []
    const { limits, bytes } = this.#fittedLimits(requests, settings, options.adapter)
    for (const group of groupAnswers(requests, limits)) {
      const { arena } = this.#gpu
      if (arena.stats.bytesReserved + bytes > this.#budgetBytes) arena.trim() // of what fits no buffer of this group
      const begun = group.map((wanted) => begin(wanted, first))
      all.push(...(await this.#generateGroup(begun, limits.maxPrefixRows, settings, options)))
    }
    return all
  }

  async #generateGroup(
    wanted: readonly BegunAnswer[],
    maxPrefixRows: number,
    settings: GenerationSettings,
    options: GenerateOptions,
  ): Promise<Generation[]> {
    const { gate, onTokens, signal, adapter, endsAt } = options
    signal?.throwIfAborted()
    const sizes = { stride: this.#stride, imageTokenId: this.#pack.imageTokenId, maxPrefixRows }
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

  #fittedLimits(
    requests: readonly GenerationRequest[],
    { maxNewTokens, topLogprobs = 0, repetitionPenalty = 1 }: GenerationSettings,
    adapter: ActiveAdapter | undefined,
  ): FittedLimits {
    const { config } = this.#decoder
    const wanted = generatorLimits(config, maxNewTokens, this.#limits)
    const settings = {
      maxNewTokens,
      topLogprobs,
      isPenalised: repetitionPenalty !== 1,
      stride: this.#stride,
    }
    const { arena, limits: device } = this.#gpu
    const room = {
      bytes: this.#budgetBytes - arena.stats.bytesInUse,
      maxBufferBytes: Math.min(device.maxBufferSize, device.maxStorageBufferBindingSize),
    }
    const asked = { requests, settings, layout: adapter?.params.layout }
    const fitted = fitLimits(config, asked, wanted, room)
    if (fitted.bytes > room.bytes) {
      throw new MemoryError(
        `not enough GPU memory: one answer of up to ${maxNewTokens} tokens takes ${megabytes(fitted.bytes)}, of the budget of ` +
          `${megabytes(this.#budgetBytes)} there are ${megabytes(Math.max(0, room.bytes))} left; ask for fewer new tokens or ` +
          'shorter prompts, or give a larger budget',
      )
    }
    return fitted
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

function begin({ request, index, candidate }: Wanted<GenerationRequest>, first: number): BegunAnswer {
  const generation: Generation = {
    request: first + index,
    candidate,
    tokens: [],
    logprobs: [],
    top: [],
    finishReason: undefined,
  }
  return { generation, request }
}
