import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import type { Sample } from '../../kernels/sample.ts'
import type { AttentionTables, WantedRows } from './attention-tables.ts'
import { concatFeatures, type Prefix } from './batch.ts'
import type { Decoder } from './decoder.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import { slicePrefixes } from './generation-groups.ts'
import type { ActiveAdapter } from './linear.ts'
import { prefixLayout } from './prefix-layout.ts'
import type { TokenRows } from './staged-batch.ts'
import { CACHE_INDEX, decodeSizes, KEYS, POSITIONS, RANGES, StepTables } from './step-tables.ts'
import { type Drawn, TokenDraw } from './token-draw.ts'
import type { Workspace } from './workspace.ts'

/** An answer being written, and what it answers. */
export interface BegunAnswer {
  readonly generation: Generation
  readonly request: GenerationRequest
}

/** A begun answer, and where its keys and values lie in the cache. */
export interface AnswerRow extends BegunAnswer {
  readonly prefixStart: number
  readonly prefixEnd: number
  /** Cache row of the answer's first token; the others follow. */
  readonly ownStart: number
}

/**
 * The GPU's side of writing one group of answers: all prefixes stand once in a cache of keys and values, each answer has
 * rows of its own behind them, and every step computes one row per active answer.
 */
export class DecodeBatch {
  readonly rows: readonly AnswerRow[]
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #settings: GenerationSettings
  readonly #stride: number
  readonly #imageTokenId: number | undefined
  /** The prefixes in the order of the cache, those computed at once together. */
  readonly #slices: readonly (readonly Prefix[])[]
  readonly #cacheRows: number
  readonly #workspace: Workspace
  readonly #tables: StepTables
  readonly #draw: TokenDraw
  #drawn: Drawn[] = []

  constructor(
    gpu: Gpu,
    decoder: Decoder,
    sample: Sample,
    wanted: readonly BegunAnswer[],
    settings: GenerationSettings,
    {
      stride,
      imageTokenId,
      maxPrefixRows,
    }: { stride: number; imageTokenId: number | undefined; maxPrefixRows: number },
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
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
    const prefixes = [...starts.keys()].map(({ prefix }) => prefix)
    this.#slices = slicePrefixes(prefixes, maxPrefixRows)
    this.rows = wanted.map(({ generation, request }, i) => {
      const prefixStart = starts.get(request) as number
      const prefixEnd = prefixStart + request.prefix.ids.length
      return { generation, request, prefixStart, prefixEnd, ownStart: prefixRows + i * settings.maxNewTokens }
    })
    const { maxNewTokens } = settings
    const sizes = decodeSizes({
      prefixTokens: prefixRows,
      passTokens: Math.max(...this.#slices.map(tokensOf)),
      answers: wanted.length,
      maxNewTokens,
      stride,
    })
    this.#cacheRows = sizes.cacheRows
    this.#workspace = decoder.workspace({
      tokens: sizes.tokens,
      answers: wanted.length,
      sequences: wanted.length,
      features: Math.max(...this.#slices.map((slice) => featuresOf(slice) / decoder.config.hiddenSize)),
    })
    this.#tables = new StepTables(gpu, this.#workspace, sizes.tableSize)
    this.#draw = new TokenDraw({ gpu, decoder, sample }, settings, this.#workspace, this.#tables)
  }

  release(): void {
    this.#workspace.release()
  }

  /** Computes all prefixes, slice after slice, and draws every answer's first token. */
  prefill(adapter: ActiveAdapter | undefined): void {
    const { kernels, config } = this.#decoder
    const view = (name: string): Tensor => this.#workspace.view(name, (r) => [r.answers, config.hiddenSize])
    const count = this.#slices.reduce((n, slice) => n + slice.length, 0)
    const lasts = view('prefixes.last').prefix([count, config.hiddenSize])
    let first = 0
    let cacheStart = 0
    for (const slice of this.#slices) {
      const places = Uint32Array.from(slice, (_, i) => first + i)
      kernels.rows.scatter({
        x: this.#prefillSlice(slice, cacheStart, adapter),
        index: this.#tables.upload('last.places', places, [slice.length]),
        y: lasts,
      })
      first += slice.length
      cacheStart += tokensOf(slice)
    }
    const gathered = view('last')
    const starts = [...new Set(this.rows.map(({ prefixStart }) => prefixStart))]
    const prefixOf = Uint32Array.from(this.rows, ({ prefixStart }) => starts.indexOf(prefixStart))
    kernels.rows.gather({
      x: lasts,
      index: this.#tables.upload('prefixOf', prefixOf, [this.rows.length]),
      y: gathered,
    })
    this.#draw.uploadSeen(this.rows)
    const keys = this.#tables.perStep(KEYS, this.rows, 1, keyOf).prefix([this.rows.length, KEYS.width])
    this.#drawn = [this.#draw.draw(gathered, 0, { keys, greedy: this.#draw.greedy(this.rows) })]
  }

  /**
   * Computes prefixes into the cache from a row on.
   * @returns the last layer's result for the last row of each, (prefixes, hiddenSize).
   */
  #prefillSlice(prefixes: readonly Prefix[], cacheStart: number, adapter: ActiveAdapter | undefined): Tensor {
    const layout = prefixLayout(prefixes, cacheStart, this.#imageTokenId)
    const { ids, features, last } = layout
    const upload = (name: string, data: Uint32Array<ArrayBuffer>, width = 1): Tensor =>
      this.#tables.upload(name, data, width === 1 ? [data.length] : [data.length / width, width])
    this.#begin(ids.length, features)
    const { hiddenSize } = this.#decoder.config
    const featureRows = this.#workspace.view('features', (r) => [r.features, hiddenSize])
    if (features > 0) this.#gpu.stream.write(featureRows, concatFeatures(prefixes, features * hiddenSize))
    return this.#hidden(adapter, {
      ids: upload('ids', ids),
      featureIndex: upload('featureIndex', layout.featureIndex),
      features: features > 0 ? featureRows : undefined,
      positions: upload(POSITIONS.name, layout.positions),
      ranges: upload(RANGES.name, layout.ranges, RANGES.width),
      cacheIndex: upload(CACHE_INDEX.name, layout.cacheIndex),
      pairs: layout.pairs,
      wanted: {
        index: upload('last.index', last.index),
        tables: this.#attention(
          upload('last.positions', last.positions),
          upload('last.ranges', last.ranges, RANGES.width),
          last.pairs,
        ),
      },
    })
  }

  /** Records further tokens of the active answers, as many as are decoded between two looks. */
  decode(active: readonly AnswerRow[], adapter: ActiveAdapter | undefined): void {
    const count = active.length
    const longest = Math.max(...active.map(({ generation }) => generation.tokens.length))
    const steps = Math.min(this.#stride, this.#settings.maxNewTokens - longest)
    this.#begin(count, 0, count)
    // The step that draws an answer's token n computes the row of token n - 1.
    const positions = this.#tables.perStep(POSITIONS, active, steps, ({ prefixStart, prefixEnd }, n) => [
      prefixEnd - prefixStart + n - 1,
    ])
    const ranges = this.#tables.perStep(RANGES, active, steps, ({ prefixStart, prefixEnd, ownStart }, n) => [
      prefixStart,
      prefixEnd,
      ownStart,
      ownStart + n,
    ])
    const cacheIndex = this.#tables.perStep(CACHE_INDEX, active, steps, ({ ownStart }, n) => [
      ownStart + n - 1,
    ])
    const keys = this.#tables.perStep(KEYS, active, steps, keyOf)
    const greedy = this.#draw.greedy(active)
    const newest = Uint32Array.from(active, ({ generation }) => generation.tokens.at(-1) as number)
    let ids = this.#tables.upload('ids', newest, [count])
    this.#draw.uploadSeen(active)
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
      const drawn = this.#draw.draw(last, step, { keys: at(keys, [count, KEYS.width]), greedy })
      this.#drawn.push(drawn)
      ids = drawn.token
    }
  }

  /** Waits for the tokens drawn since the last call and adds them to the answers they were drawn for. */
  async collect(active: readonly AnswerRow[]): Promise<void> {
    const steps = await this.#read(this.#drawn.splice(0))
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

  /** Brings draws to the CPU, all at once. */
  async #read(draws: readonly Drawn[]) {
    const bytes = await this.#gpu.stream.readAll(
      draws.flatMap(({ token, logprob, top }) => [token, logprob, ...(top ? [top.ids, top.logprobs] : [])]),
    )
    const next = (): ArrayBuffer => bytes.shift() ?? new ArrayBuffer(0)
    return draws.map(({ top }) => ({
      tokens: new Uint32Array(next()),
      logprobs: new Float32Array(next()),
      topIds: top && new Uint32Array(next()),
      topLogprobs: top && new Float32Array(next()),
    }))
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
    const tables = this.#attention(positions, ranges, pairs)
    const options = { caches, ...(wanted ? { wanted } : {}) }
    return this.#decoder.hidden(this.#workspace, { ...tokens, tables }, adapter, options)
  }

  /** No backward pass follows, so nobody asks which queries see a key. */
  #attention(positions: Tensor, ranges: Tensor, pairs: number): AttentionTables {
    return { ropeTable: this.#decoder.ropeTable, positions, ranges, queryRanges: ranges, pairs }
  }

  #begin(tokens: number, features: number, answers = this.rows.length): void {
    this.#workspace.begin({ tokens, answers, sequences: answers, features: Math.max(1, features) })
  }
}

/** Tokens of prefixes that are computed at once, and numbers of their image features. */
function tokensOf(prefixes: readonly Prefix[]): number {
  return prefixes.reduce((n, { ids }) => n + ids.length, 0)
}

function featuresOf(prefixes: readonly Prefix[]): number {
  return prefixes.reduce((n, { features }) => n + (features?.length ?? 0), 0)
}

function keyOf({ request, generation }: AnswerRow, n: number): readonly number[] {
  const { seed, round, image, prompt } = request
  return [seed, round, image, prompt, generation.candidate, n]
}
