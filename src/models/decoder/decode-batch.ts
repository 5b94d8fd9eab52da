import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { packedLayout } from '../../kernels/packing.ts'
import { NO_ROW } from '../../kernels/rows.ts'
import { SAMPLE_KEY, type Sample, sampleScratchShape, seenShape } from '../../kernels/sample.ts'
import { concatFeatures, type Prefix } from './batch.ts'
import type { Decoder, TokenRows } from './decoder.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import type { AttentionTables, WantedRows } from './layer.ts'
import type { ActiveAdapter } from './linear.ts'
import type { Workspace } from './workspace.ts'

/** An answer being written, and where its keys and values lie in the cache. */
export interface AnswerRow {
  readonly generation: Generation
  readonly request: GenerationRequest
  readonly prefixStart: number
  readonly prefixEnd: number
  /** Cache row of the answer's first token; the others follow. */
  readonly ownStart: number
}

/** What one draw left on the GPU. */
interface Drawn {
  readonly token: Tensor // (rows), u32
  readonly logprob: Tensor // (rows)
  readonly top: { readonly ids: Tensor; readonly logprobs: Tensor } | undefined // (rows, topLogprobs)
}

/** Rows of a step's table, and the words of one row. */
interface TableShape {
  readonly name: string
  readonly width: number
}

const POSITIONS: TableShape = { name: 'positions', width: 1 }
const RANGES: TableShape = { name: 'ranges', width: 4 }
const CACHE_INDEX: TableShape = { name: 'cacheIndex', width: 1 }
const KEYS: TableShape = { name: 'keys', width: SAMPLE_KEY.length }
const WIDEST = SAMPLE_KEY.length

/** Each step's part of a table starts at a multiple of 256 bytes. */
const ALIGNMENT = 64

/**
 * The GPU's side of writing one group of answers: all prefixes stand once in a cache of keys and values, each answer has
 * rows of its own behind them, and every step computes one row per active answer.
 */
export class DecodeBatch {
  readonly rows: readonly AnswerRow[]
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #sample: Sample
  readonly #settings: GenerationSettings
  readonly #stride: number
  readonly #imageTokenId: number | undefined
  readonly #prefixes: readonly Prefix[]
  readonly #cacheRows: number
  readonly #tableSize: number
  readonly #workspace: Workspace
  #drawn: Drawn[] = []

  constructor(
    gpu: Gpu,
    decoder: Decoder,
    sample: Sample,
    wanted: readonly Pick<AnswerRow, 'generation' | 'request'>[],
    settings: GenerationSettings,
    { stride, imageTokenId }: { stride: number; imageTokenId: number | undefined },
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
    this.#sample = sample
    this.#settings = settings
    this.#stride = stride
    this.#imageTokenId = imageTokenId
    const starts = new Map<GenerationRequest, number>()
    let prefixRows = 0
    for (const { request } of wanted) {
      if (starts.has(request)) continue
      starts.set(request, prefixRows)
      prefixRows += request.prefix.ids.length
    }
    this.#prefixes = [...starts.keys()].map(({ prefix }) => prefix)
    this.rows = wanted.map(({ generation, request }, i) => {
      const prefixStart = starts.get(request) as number
      const prefixEnd = prefixStart + request.prefix.ids.length
      return { generation, request, prefixStart, prefixEnd, ownStart: prefixRows + i * settings.maxNewTokens }
    })
    const { maxNewTokens } = settings
    const sizes = decodeSizes({
      prefixTokens: prefixRows,
      answers: wanted.length,
      maxNewTokens,
      stride,
    })
    this.#cacheRows = sizes.cacheRows
    this.#tableSize = sizes.tableSize
    this.#workspace = decoder.workspace({
      tokens: sizes.tokens,
      answers: wanted.length,
      sequences: wanted.length,
      features: this.#prefixes.reduce(
        (n, { features }) => n + (features?.length ?? 0) / decoder.config.hiddenSize,
        0,
      ),
    })
  }

  release(): void {
    this.#workspace.release()
  }

  /** Computes all prefixes and draws every answer's first token. */
  prefill(adapter: ActiveAdapter | undefined): void {
    const { kernels, config } = this.#decoder
    const layout = packedLayout(
      this.#prefixes.map(({ ids }) => ({ prefixLength: ids.length, segmentLengths: [] })),
    )
    const ids = Uint32Array.from(this.#prefixes.flatMap((prefix) => prefix.ids))
    let features = 0
    const featureIndex = ids.map((id) => (id === this.#imageTokenId ? features++ : NO_ROW))
    this.#begin(ids.length, features)
    const featureRows = this.#workspace.view('features', (r) => [r.features, config.hiddenSize])
    if (features > 0)
      this.#gpu.stream.write(featureRows, concatFeatures(this.#prefixes, features * config.hiddenSize))
    const last = this.#hidden(adapter, {
      ids: this.#upload('ids', ids, [ids.length]),
      featureIndex: this.#upload('featureIndex', featureIndex, [ids.length]),
      features: features > 0 ? featureRows : undefined,
      positions: this.#upload(POSITIONS.name, layout.positions, [ids.length]),
      ranges: this.#upload(RANGES.name, layout.ranges, [ids.length, 4]),
      cacheIndex: this.#upload(
        CACHE_INDEX.name,
        ids.map((_, i) => i),
        [ids.length],
      ),
      pairs: layout.pairs,
      wanted: this.#lastOfPrefixes(),
    })
    const gathered = this.#workspace.view('last', (r) => [r.answers, config.hiddenSize])
    const starts = [...new Set(this.rows.map(({ prefixStart }) => prefixStart))]
    const prefixOf = Uint32Array.from(this.rows, ({ prefixStart }) => starts.indexOf(prefixStart))
    kernels.rows.gather({
      x: last,
      index: this.#upload('prefixOf', prefixOf, [this.rows.length]),
      y: gathered,
    })
    this.#uploadSeen(this.rows)
    const keys = this.#perStep(KEYS, this.rows, 1, keyOf).prefix([this.rows.length, KEYS.width])
    this.#drawn = [this.#draw(gathered, 0, { keys, greedy: this.#greedy(this.rows) })]
  }

  /** Records further tokens of the active answers, as many as are decoded between two looks. */
  decode(active: readonly AnswerRow[], adapter: ActiveAdapter | undefined): void {
    const count = active.length
    const longest = Math.max(...active.map(({ generation }) => generation.tokens.length))
    const steps = Math.min(this.#stride, this.#settings.maxNewTokens - longest)
    this.#begin(count, 0, count)
    // The step that draws an answer's token n computes the row of token n - 1.
    const positions = this.#perStep(POSITIONS, active, steps, ({ prefixStart, prefixEnd }, n) => [
      prefixEnd - prefixStart + n - 1,
    ])
    const ranges = this.#perStep(RANGES, active, steps, ({ prefixStart, prefixEnd, ownStart }, n) => [
      prefixStart,
      prefixEnd,
      ownStart,
      ownStart + n,
    ])
    const cacheIndex = this.#perStep(CACHE_INDEX, active, steps, ({ ownStart }, n) => [ownStart + n - 1])
    const keys = this.#perStep(KEYS, active, steps, keyOf)
    const greedy = this.#greedy(active)
    const newest = Uint32Array.from(active, ({ generation }) => generation.tokens.at(-1) as number)
    let ids = this.#upload('ids', newest, [count])
    this.#uploadSeen(active)
    const pairs = active.reduce((n, { prefixStart, prefixEnd }) => n + prefixEnd - prefixStart + longest, 0)
    for (let step = 0; step < steps; step++) {
      const at = (table: Tensor, shape: readonly number[]): Tensor => table.rows(step, 1).prefix(shape)
      const last = this.#hidden(adapter, {
        ids,
        featureIndex: ids,
        features: undefined,
        positions: at(positions, [count]),
        ranges: at(ranges, [count, RANGES.width]),
        cacheIndex: at(cacheIndex, [count]),
        pairs,
      })
      const drawn = this.#draw(last, step, { keys: at(keys, [count, KEYS.width]), greedy })
      this.#drawn.push(drawn)
      ids = drawn.token
    }
  }

  /** Waits for the tokens drawn since the last call and adds them to the answers they were drawn for. */
  async collect(active: readonly AnswerRow[]): Promise<void> {
    const steps = await Promise.all(
      this.#drawn.splice(0).map(async ({ token, logprob, top }) => ({
        tokens: await this.#gpu.readU32(token),
        logprobs: await this.#gpu.readF32(logprob),
        topIds: top && (await this.#gpu.readU32(top.ids)),
        topLogprobs: top && (await this.#gpu.readF32(top.logprobs)),
      })),
    )
    const { maxNewTokens, stopTokens, topLogprobs: count = 0 } = this.#settings
    active.forEach(({ generation }, i) => {
      for (const { tokens, logprobs, topIds, topLogprobs } of steps) {
        if (generation.finishReason !== undefined) break
        const token = tokens[i] as number
        generation.tokens.push(token)
        generation.logprobs.push(logprobs[i] as number)
        if (topIds && topLogprobs) {
          const part = [i * count, (i + 1) * count] as const
          generation.top.push({ ids: [...topIds.slice(...part)], logprobs: [...topLogprobs.slice(...part)] })
        }
        if (stopTokens.includes(token)) generation.finishReason = 'stop'
        else if (generation.tokens.length >= maxNewTokens) generation.finishReason = 'length'
      }
    })
  }

  #hidden(
    adapter: ActiveAdapter | undefined,
    rows: Omit<TokenRows, 'tables'> & {
      positions: Tensor
      ranges: Tensor
      cacheIndex: Tensor
      pairs: number
      /** The rows to go on from; left out where all rows are, each of an answer of its own. */
      wanted?: WantedRows
    },
  ): Tensor {
    const { config } = this.#decoder
    const { positions, ranges, cacheIndex, pairs, wanted, ...tokens } = rows
    const cache = (name: string): Tensor =>
      this.#workspace.view(name, () => [this.#cacheRows, config.numKvHeads * config.headDim])
    const caches = Array.from({ length: config.numLayers }, (_, i) => ({
      k: cache(`cache.k${i}`),
      v: cache(`cache.v${i}`),
      index: cacheIndex,
      standAlone: !wanted,
    }))
    const tables = this.#tables(positions, ranges, pairs)
    const options = { caches, ...(wanted ? { wanted } : {}) }
    return this.#decoder.hidden(this.#workspace, { ...tokens, tables }, adapter, options)
  }

  /** The last row of each prefix, from which its answers go on. */
  #lastOfPrefixes(): WantedRows {
    const count = this.#prefixes.length
    const lengths = this.#prefixes.map(({ ids }) => ids.length)
    const ends: number[] = []
    for (const length of lengths) ends.push((ends.at(-1) ?? 0) + length)
    const ranges = ends.flatMap((end, i) => [end - (lengths[i] as number), end, 0, 0])
    return {
      index: this.#upload(
        'last.index',
        Uint32Array.from(ends, (end) => end - 1),
        [count],
      ),
      tables: this.#tables(
        this.#upload(
          'last.positions',
          Uint32Array.from(lengths, (length) => length - 1),
          [count],
        ),
        this.#upload('last.ranges', Uint32Array.from(ranges), [count, RANGES.width]),
        ends.at(-1) ?? 0,
      ),
    }
  }

  /** No backward pass follows, so nobody asks which queries see a key. */
  #tables(positions: Tensor, ranges: Tensor, pairs: number): AttentionTables {
    return { ropeTable: this.#decoder.ropeTable, positions, ranges, queryRanges: ranges, pairs }
  }

  /** Final norm, head and draw. @param place tells apart the draws that are collected together. */
  #draw(x: Tensor, place: number, rows: { keys: Tensor; greedy: Tensor }): Drawn {
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
  #greedy(rows: readonly AnswerRow[]): Tensor {
    const marks = rows.map(({ request, generation }) =>
      request.firstIsGreedy === true && generation.candidate === 0 ? 1 : 0,
    )
    return this.#upload('greedy', Uint32Array.from(marks), [rows.length])
  }

  get #isPenalised(): boolean {
    return (this.#settings.repetitionPenalty ?? 1) !== 1
  }

  #seen(): Tensor {
    return this.#workspace.view('seen', (r) => seenShape(r.answers, this.#decoder.config.vocabSize), 'u32')
  }

  /** Tells the repetition penalty which tokens stand in each answer's prompt and text. */
  #uploadSeen(rows: readonly AnswerRow[]): void {
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

  #begin(tokens: number, features: number, answers = this.rows.length): void {
    this.#workspace.begin({ tokens, answers, sequences: answers, features: Math.max(1, features) })
  }

  /**
   * Uploads a table for several steps at once, so that the steps follow one another without a pause.
   * @param value a row's words at the step that draws its token n, counted from 0.
   * @returns (steps, padded rows * width)
   */
  #perStep(
    { name, width }: TableShape,
    active: readonly AnswerRow[],
    steps: number,
    value: (row: AnswerRow, n: number) => readonly number[],
  ): Tensor {
    const stepWords = aligned(active.length) * width
    const data = new Uint32Array(steps * stepWords)
    for (let step = 0; step < steps; step++) {
      active.forEach((row, i) => {
        data.set(value(row, row.generation.tokens.length + step), step * stepWords + i * width)
      })
    }
    return this.#upload(name, data, [steps, stepWords])
  }

  #upload(name: string, data: Uint32Array<ArrayBuffer>, shape: readonly number[]): Tensor {
    const table = this.#workspace.view(`table.${name}`, () => [this.#tableSize], 'u32').prefix(shape)
    this.#gpu.stream.write(table, data)
    return table
  }
}

function keyOf({ request, generation }: AnswerRow, n: number): readonly number[] {
  const { seed, round, image, prompt } = request
  return [seed, round, image, prompt, generation.candidate, n]
}

/** Rows of a batch's passes and of its cache, and words of each of its tables. */
export function decodeSizes({
  prefixTokens,
  answers,
  maxNewTokens,
  stride,
}: {
  prefixTokens: number
  answers: number
  maxNewTokens: number
  stride: number
}): Record<'tokens' | 'cacheRows' | 'tableSize', number> {
  return {
    tokens: Math.max(prefixTokens, answers),
    cacheRows: prefixTokens + answers * maxNewTokens,
    tableSize: WIDEST * Math.max(prefixTokens, stride * aligned(answers)),
  }
}

function aligned(rows: number): number {
  return Math.ceil(rows / ALIGNMENT) * ALIGNMENT
}
