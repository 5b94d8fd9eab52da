import order from '../../shaders/common/order.wgsl?raw'
import kept from '../../shaders/common/sample.kept.wgsl?raw'
import shared from '../../shaders/common/sample.wgsl?raw'
import seenSource from '../../shaders/sample.seen.wgsl?raw'
import topSource from '../../shaders/sample.top.wgsl?raw'
import source from '../../shaders/sample.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'
import { randomShader } from './random.ts'

const ORDER: ShaderFile = { path: 'shaders/common/order.wgsl', source: order }
const SHARED: ShaderFile = { path: 'shaders/common/sample.wgsl', source: shared }
const KEPT: ShaderFile = { path: 'shaders/common/sample.kept.wgsl', source: kept }

/** How a token is drawn; the names and their meaning are Hugging Face's `GenerationConfig`'s. */
export interface SampleSettings {
  /** 0 is greedy: the largest score, the lower id among equals. Default 1. */
  temperature?: number
  /** Keep this many tokens; of equal scores at the end, those with lower ids. Default 0, off. */
  topK?: number
  /** Keep the fewest tokens whose mass, after top-k, reaches this share. Default 1, off. */
  topP?: number
  /** Drop tokens less likely than this share of the likeliest. Default 0, off. */
  minP?: number
  /** Divides positive and multiplies negative logits of seen tokens. Default 1, off. */
  repetitionPenalty?: number
}

/** Words of a row's key, in order: the same key draws the same number whatever else is in the batch. */
export const SAMPLE_KEY = ['seed', 'round', 'image', 'prompt', 'candidate', 'position'] as const

/** Most tokens `top` reports per row. */
export const MAX_TOP = 16

/**
 * Draws tokens from rows of logits: repetition penalty, temperature, top-k, top-p, min-p (Hugging Face's definitions
 * and order), then an inverse-CDF draw with a counter-based random number.
 */
export interface Sample {
  /**
   * One token per row and its log-probability under softmax(logits), before penalty and warpers.
   * Tokens whose weight is below e^-80 of the likeliest one's are never drawn; logits are clamped to +-1e30.
   * @throws {ShapeError} for settings out of range, or a repetition penalty without `seen`.
   */
  draw(
    args: SampleSettings & {
      logits: Tensor // (rows, vocab)
      /** Needed when there is a repetition penalty. */
      seen?: Tensor // seenShape(rows, vocab), u32
      keys: Tensor // (rows, 6), u32: SAMPLE_KEY
      /** Rows that take the likeliest token whatever the temperature, marked 1. Default none. */
      greedy?: Tensor | undefined // (rows), u32
      scores: Tensor // sampleScratchShape(rows, vocab), scratch
      token: Tensor // (rows), u32, assigned
      logprob: Tensor // (rows), assigned
    },
  ): void
  /** The `count` likeliest tokens per row, the likeliest first, the lower id among equals; count <= 16. */
  top(args: {
    logits: Tensor // (rows, vocab)
    ids: Tensor // (rows, count), u32, assigned
    logprobs: Tensor // (rows, count), assigned
  }): void
  /** Adds tokens to the sets of seen ones; ids past the vocabulary are passed over and may pad. */
  markSeen(args: {
    tokens: Tensor // (rows, n), u32
    seen: Tensor // seenShape(rows, vocab), u32, bits added
    vocab: number
  }): void
}

/** Shape of the sets of seen tokens, one bit a token: bit id % 32 of word id / 32. */
export function seenShape(rows: number, vocab: number): readonly [rows: number, words: number] {
  return [rows, Math.ceil(vocab / 32)]
}

/** Shape of `draw`'s scratch. */
export function sampleScratchShape(rows: number, vocab: number): readonly [rows: number, padded: number] {
  return [rows, 4 * Math.ceil(vocab / 4)]
}

export interface SampleOptions {
  /**
   * Invocations that share a row; sums are cut accordingly. Default 128, and 4 where the adapter is software:
   * it runs four side by side, and pays for every further one that waits for others.
   */
  lanes?: 4 | 32 | 128
}

/** Compiles sampling. @throws {KernelError} when a shader does not compile. */
export async function createSample(gpu: Gpu, options: SampleOptions = {}): Promise<Sample> {
  const lanes = options.lanes ?? (gpu.profile.isSoftware ? 4 : 128)
  const consts = { GROUP: lanes }
  const [draw, top, markSeen] = await Promise.all([
    gpu.kernel({
      label: 'sample.draw',
      shader: { path: 'shaders/sample.wgsl', source },
      entryPoint: 'draw',
      common: [ORDER, randomShader, SHARED, KEPT],
      consts,
    }),
    gpu.kernel({
      label: 'sample.top',
      shader: { path: 'shaders/sample.top.wgsl', source: topSource },
      entryPoint: 'top',
      common: [ORDER, SHARED],
      consts,
    }),
    gpu.kernel({
      label: 'sample.markSeen',
      shader: { path: 'shaders/sample.seen.wgsl', source: seenSource },
      entryPoint: 'mark_seen',
    }),
  ])
  return {
    draw({ logits, seen, keys, greedy, scores, token, logprob, ...settings }) {
      const [rows, vocab] = expectMatrix(draw.label, 'logits', logits)
      if (seen) expectShape(draw.label, 'seen', seen, seenShape(rows, vocab), 'u32')
      expectShape(draw.label, 'keys', keys, [rows, SAMPLE_KEY.length], 'u32')
      if (greedy) expectShape(draw.label, 'greedy', greedy, [rows], 'u32')
      expectShape(draw.label, 'scores', scores, sampleScratchShape(rows, vocab))
      expectShape(draw.label, 'token', token, [rows], 'u32')
      expectShape(draw.label, 'logprob', logprob, [rows])
      const params = settingsParams(draw.label, settings)
      if (params.penalty !== 1 && !seen) {
        throw new ShapeError(`${draw.label}: expected seen, which a repetition penalty needs, got none`)
      }
      draw.dispatch(
        { logits, seen: seen ?? keys, keys, greedy: greedy ?? keys, scores, token, logprob },
        { ...params, vocab, has_greedy: greedy ? 1 : 0 },
        [rows, 1, 1],
        { flops: 100 * logits.size, bytes: 12 * logits.byteLength },
      )
    },
    top({ logits, ids, logprobs }) {
      const [rows, vocab] = expectMatrix(top.label, 'logits', logits)
      const [, count] = expectMatrix(top.label, 'logprobs', logprobs)
      expectShape(top.label, 'logprobs', logprobs, [rows, count])
      expectShape(top.label, 'ids', ids, [rows, count], 'u32')
      if (count > Math.min(MAX_TOP, vocab)) {
        throw new ShapeError(
          `${top.label}: expected at most ${Math.min(MAX_TOP, vocab)} tokens a row, got ${count}`,
        )
      }
      top.dispatch(
        { logits, top_ids: ids, top_logprobs: logprobs },
        { vocab, top_count: count },
        [rows, 1, 1],
        { flops: 20 * logits.size, bytes: 3 * logits.byteLength },
      )
    },
    markSeen({ tokens, seen, vocab }) {
      const [rows = 0, perRow = 0] = tokens.shape
      expectShape(markSeen.label, 'tokens', tokens, [rows, perRow], 'u32')
      expectShape(markSeen.label, 'seen', seen, seenShape(rows, vocab), 'u32')
      markSeen.dispatch({ tokens, seen_bits: seen }, { vocab, tokens_per_row: perRow }, [rows, 1, 1], {
        flops: tokens.size,
        bytes: 3 * tokens.byteLength,
      })
    },
  }
}

function settingsParams(kernel: string, settings: SampleSettings) {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = settings
  const require = (holds: boolean, name: string, range: string, value: number): void => {
    if (!holds) throw new ShapeError(`${kernel}: expected ${name} ${range}, got ${value}`)
  }
  require(temperature === 0 ||
    (temperature >= 1e-3 && temperature <= 1e3), 'temperature', '0 or within 0.001 to 1000', temperature)
  require(Number.isInteger(topK) && topK >= 0, 'topK', 'a whole number from 0 on', topK)
  require(topP >= 0 && topP <= 1, 'topP', 'within 0 to 1', topP)
  require(minP >= 0 && minP <= 1, 'minP', 'within 0 to 1', minP)
  require(repetitionPenalty > 0 &&
    repetitionPenalty <= 100, 'repetitionPenalty', 'above 0, up to 100', repetitionPenalty)
  return {
    penalty: repetitionPenalty,
    inverse_penalty: 1 / repetitionPenalty,
    inverse_temperature: temperature === 0 ? 0 : 1 / temperature,
    top_k: topK,
    top_p: topP,
    min_p: minP,
  }
}
