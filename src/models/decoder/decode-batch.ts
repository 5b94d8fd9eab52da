import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { packedLayout } from '../../kernels/packing.ts'
import { NO_ROW } from '../../kernels/rows.ts'
import type { Sample } from '../../kernels/sample.ts'
import type { AttentionTables, WantedRows } from './attention-tables.ts'
import { concatFeatures, type Prefix } from './batch.ts'
import type { Decoder } from './decoder.ts'
import type { Generation, GenerationRequest, GenerationSettings } from './generation.ts'
import type { ActiveAdapter } from './linear.ts'
import type { TokenRows } from './staged-batch.ts'
import { CACHE_INDEX, decodeSizes, KEYS, POSITIONS, RANGES, StepTables } from './step-tables.ts'
import { type Drawn, TokenDraw } from './token-draw.ts'
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
  readonly #prefixes: readonly Prefix[]
  readonly #cacheRows: number
  readonly #workspace: Workspace
  readonly #tables: StepTables
  readonly #draw: TokenDraw
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
    this.#workspace = decoder.workspace({
      tokens: sizes.tokens,
      answers: wanted.length,
      sequences: wanted.length,
      features: this.#prefixes.reduce(
        (n, { features }) => n + (features?.length ?? 0) / decoder.config.hiddenSize,
        0,
      ),
    })
    this.#tables = new StepTables(gpu, this.#workspace, sizes.tableSize)
    this.#draw = new TokenDraw({ gpu, decoder, sample }, settings, this.#workspace, this.#tables)
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
      ids: this.#tables.upload('ids', ids, [ids.length]),
      featureIndex: this.#tables.upload('featureIndex', featureIndex, [ids.length]),
      features: features > 0 ? featureRows : undefined,
      positions: this.#tables.upload(POSITIONS.name, layout.positions, [ids.length]),
      ranges: this.#tables.upload(RANGES.name, layout.ranges, [ids.length, 4]),
      cacheIndex: this.#tables.upload(
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
      index: this.#tables.upload('prefixOf', prefixOf, [this.rows.length]),
      y: gathered,
    })
    this.#draw.uploadSeen(this.rows)
    const keys = this.#tables.perStep(KEYS, this.rows, 1, keyOf).prefix([this.rows.length, KEYS.width])
    this.#drawn = [this.#draw.draw(gathered, 0, { keys, greedy: this.#draw.greedy(this.rows) })]
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

  /** The last row of each prefix, from which its answers go on. */
  #lastOfPrefixes(): WantedRows {
    const count = this.#prefixes.length
    const lengths = this.#prefixes.map(({ ids }) => ids.length)
    const ends: number[] = []
    for (const length of lengths) ends.push((ends.at(-1) ?? 0) + length)
    const ranges = ends.flatMap((end, i) => [end - (lengths[i] as number), end, 0, 0])
    return {
      index: this.#tables.upload(
        'last.index',
        Uint32Array.from(ends, (end) => end - 1),
        [count],
      ),
      tables: this.#attention(
        this.#tables.upload(
          'last.positions',
          Uint32Array.from(lengths, (length) => length - 1),
          [count],
        ),
        this.#tables.upload('last.ranges', Uint32Array.from(ranges), [count, RANGES.width]),
        ends.at(-1) ?? 0,
      ),
    }
  }

  /** No backward pass follows, so nobody asks which queries see a key. */
  #attention(positions: Tensor, ranges: Tensor, pairs: number): AttentionTables {
    return { ropeTable: this.#decoder.ropeTable, positions, ranges, queryRanges: ranges, pairs }
  }

  #begin(tokens: number, features: number, answers = this.rows.length): void {
    this.#workspace.begin({ tokens, answers, sequences: answers, features: Math.max(1, features) })
  }
}

function keyOf({ request, generation }: AnswerRow, n: number): readonly number[] {
  const { seed, round, image, prompt } = request
  return [seed, round, image, prompt, generation.candidate, n]
}
