import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { type Sample, sampleScratchShape, seenShape } from '../../kernels/sample.ts'
import type { Decoder } from './decoder.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import type { StepTables } from './step-tables.ts'
import type { Workspace } from './workspace.ts'

/** An answer for which a token is drawn. */
export interface DrawRow {
  readonly generation: Generation
  readonly request: GenerationRequest
}

/** What one draw left on the GPU. */
export interface Drawn {
  readonly token: Tensor // (rows), u32
  readonly logprob: Tensor // (rows)
  readonly top: { readonly ids: Tensor; readonly logprobs: Tensor } | undefined // (rows, topLogprobs)
}

/** Draws tokens from the hidden states of a batch's rows: final norm, head and sampler. */
export class TokenDraw {
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #sample: Sample
  readonly #settings: GenerationSettings
  readonly #workspace: Workspace
  readonly #tables: StepTables

  constructor(
    { gpu, decoder, sample }: { gpu: Gpu; decoder: Decoder; sample: Sample },
    settings: GenerationSettings,
    workspace: Workspace,
    tables: StepTables,
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
    this.#sample = sample
    this.#settings = settings
    this.#workspace = workspace
    this.#tables = tables
  }

  /** @param x (rows, hiddenSize). @param place tells apart the draws that are collected together. */
  draw(x: Tensor, place: number, rows: { keys: Tensor; greedy: Tensor }): Drawn {
    const { kernels, config, weights } = this.#decoder
    const { maxNewTokens: _, stopTokens: __, topLogprobs = 0, ...sampling } = this.#settings
    const view = this.#workspace.view.bind(this.#workspace)
    const hidden = view('hidden', (r) => [r.answers, config.hiddenSize])
    const rstd = view('hidden.rstd', (r) => [r.answers])
    kernels.rmsnorm.forward({ x, weight: weights.finalNorm, y: hidden, rstd, eps: config.rmsNormEps })
    const logits = view('logits', (r) => [r.answers, config.vocabSize])
    kernels.matmul.forward({ x: hidden, weight: weights.head, y: logits })
    const token = view(`token${place}`, (r) => [r.answers], 'u32')
    const logprob = view(`logprob${place}`, (r) => [r.answers])
    const seen = this.#isPenalised ? this.#seen() : undefined
    const scores = view('scores', (r) => sampleScratchShape(r.answers, config.vocabSize))
    this.#sample.draw({ ...sampling, ...rows, logits, scores, token, logprob, ...(seen ? { seen } : {}) })
    if (seen) this.#sample.markSeen({ tokens: token.reshape([token.size, 1]), seen, vocab: config.vocabSize })
    if (topLogprobs === 0) return { token, logprob, top: undefined }
    const ids = view(`top.ids${place}`, (r) => [r.answers, topLogprobs], 'u32')
    const logprobs = view(`top.logprobs${place}`, (r) => [r.answers, topLogprobs])
    this.#sample.top({ logits, ids, logprobs })
    return { token, logprob, top: { ids, logprobs } }
  }

  /** Marks the rows that take the likeliest token. */
  greedy(rows: readonly DrawRow[]): Tensor {
    const marks = rows.map(({ request, generation }) =>
      request.firstIsGreedy === true && generation.candidate === 0 ? 1 : 0,
    )
    return this.#tables.upload('greedy', Uint32Array.from(marks), [rows.length])
  }

  get #isPenalised(): boolean {
    return (this.#settings.repetitionPenalty ?? 1) !== 1
  }

  #seen(): Tensor {
    return this.#workspace.view('seen', (r) => seenShape(r.answers, this.#decoder.config.vocabSize), 'u32')
  }

  /** Tells the repetition penalty which tokens stand in each answer's prompt and text. */
  uploadSeen(rows: readonly DrawRow[]): void {
    if (!this.#isPenalised) return
    const [, words] = seenShape(rows.length, this.#decoder.config.vocabSize)
    const bits = new Uint32Array(rows.length * words)
    rows.forEach(({ request, generation }, i) => {
      for (const id of [...request.prefix.ids, ...generation.tokens]) {
        const word = i * words + (id >>> 5)
        bits[word] = (bits[word] as number) | (1 << (id & 31))
      }
    })
    this.#gpu.stream.write(this.#seen(), bits)
  }
}
