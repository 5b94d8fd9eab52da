import { defaultInvFreq, type RopeFrequencies } from '../kernels/rope-table.ts'
import { ConfigError } from './config-error.ts'

/**
 * Rotary position embedding of a decoder (arXiv 2104.09864) with the `rope_type`s of transformers.
 * `long` frequencies hold for sequences longer than `originalMaxPositions` (LongRoPE); other types have one set.
 */
export interface RopeParameters {
  type: RopeType
  theta: number
  factor: number
  originalMaxPositions: number
  maxPositions: number
  attentionFactor: number | undefined
  yarn: { betaFast: number; betaSlow: number; mscale: number; mscaleAllDim: number; truncate: boolean }
  llama3: { lowFreqFactor: number; highFreqFactor: number }
  longrope: { short: readonly number[]; long: readonly number[] }
}

export type RopeType = 'default' | 'linear' | 'dynamic' | 'yarn' | 'llama3' | 'longrope'

const TYPES: readonly RopeType[] = ['default', 'linear', 'dynamic', 'yarn', 'llama3', 'longrope']
const THETA_DEFAULT = 10000

/**
 * Reads RoPE settings from a text config: `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling`.
 * @throws {ConfigError} for a type or a value this project does not know.
 */
export function ropeParameters(
  text: Readonly<Record<string, unknown>>,
  maxPositions: number,
): RopeParameters {
  const settings = record(text.rope_parameters) ?? record(text.rope_scaling) ?? {}
  const type = (settings.rope_type ?? settings.type ?? 'default') as RopeType
  if (!TYPES.includes(type)) {
    throw new ConfigError(`config.json: rope_type: expected one of ${TYPES.join(', ')}, got ${String(type)}`)
  }
  const number = (key: string, fallback: number): number => numberOf(settings[key], key) ?? fallback
  const partial =
    numberOf(settings.partial_rotary_factor ?? text.partial_rotary_factor, 'partial_rotary_factor') ?? 1
  if (partial !== 1) throw new ConfigError(`config.json: partial_rotary_factor: expected 1, got ${partial}`)
  const needed = (key: string): number => {
    const value = numberOf(settings[key], key)
    if (value === undefined)
      throw new ConfigError(`config.json: rope_type ${type}: expected ${key}, found none`)
    return value
  }
  const originalMaxPositions =
    numberOf(text.original_max_position_embeddings, 'original_max_position_embeddings') ??
    number('original_max_position_embeddings', maxPositions)
  const scaled = type === 'linear' || type === 'dynamic' || type === 'llama3'
  return {
    type,
    theta: number('rope_theta', numberOf(text.rope_theta, 'rope_theta') ?? THETA_DEFAULT),
    factor: scaled ? needed('factor') : number('factor', maxPositions / originalMaxPositions),
    originalMaxPositions,
    maxPositions,
    attentionFactor: numberOf(settings.attention_factor, 'attention_factor'),
    yarn: {
      betaFast: number('beta_fast', 32) || 32,
      betaSlow: number('beta_slow', 1) || 1,
      mscale: number('mscale', 0),
      mscaleAllDim: number('mscale_all_dim', 0),
      truncate: settings.truncate !== false,
    },
    llama3:
      type === 'llama3'
        ? { lowFreqFactor: needed('low_freq_factor'), highFreqFactor: needed('high_freq_factor') }
        : { lowFreqFactor: 1, highFreqFactor: 4 },
    longrope: {
      short: numbers(settings, 'short_factor', type),
      long: numbers(settings, 'long_factor', type),
    },
  }
}

/**
 * The inverse frequencies of a decoder's RoPE, as transformers' `modeling_rope_utils` defines them.
 * @param sequenceLength longest sequence to be computed; `dynamic` and `longrope` depend on it. Default 0: short.
 */
export function ropeFrequencies(
  rope: RopeParameters,
  headDim: number,
  sequenceLength = 0,
): Required<RopeFrequencies> {
  const pairs = headDim / 2
  const plain = defaultInvFreq(headDim, rope.theta)
  const frequency = (i: number): number => plain[i] as number
  const build = (f: (i: number) => number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: pairs }, (_, i) => f(i))
  switch (rope.type) {
    case 'default':
      return { invFreq: plain, attentionFactor: 1 }
    case 'linear':
      return { invFreq: build((i) => frequency(i) / rope.factor), attentionFactor: 1 }
    case 'dynamic': {
      const length = Math.max(sequenceLength, rope.maxPositions)
      const stretch = (rope.factor * length) / rope.maxPositions - (rope.factor - 1)
      const theta = rope.theta * stretch ** (headDim / (headDim - 2))
      return { invFreq: defaultInvFreq(headDim, theta), attentionFactor: 1 }
    }
    case 'llama3':
      return { invFreq: build((i) => llama3Frequency(rope, frequency(i))), attentionFactor: 1 }
    case 'yarn':
      return yarnFrequencies(rope, headDim, build, frequency)
    case 'longrope': {
      const factors = sequenceLength > rope.originalMaxPositions ? rope.longrope.long : rope.longrope.short
      if (factors.length !== pairs) {
        throw new ConfigError(
          `config.json: rope_type longrope: expected ${pairs} factors, got ${factors.length}`,
        )
      }
      const growth =
        rope.factor <= 1 ? 1 : Math.sqrt(1 + Math.log(rope.factor) / Math.log(rope.originalMaxPositions))
      return {
        invFreq: build((i) => frequency(i) / (factors[i] ?? 1)),
        attentionFactor: rope.attentionFactor ?? growth,
      }
    }
  }
}

function llama3Frequency(rope: RopeParameters, frequency: number): number {
  const { lowFreqFactor, highFreqFactor } = rope.llama3
  const turns = (rope.originalMaxPositions * frequency) / (2 * Math.PI)
  if (turns > highFreqFactor) return frequency
  if (turns < lowFreqFactor) return frequency / rope.factor
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return ((1 - smooth) * frequency) / rope.factor + smooth * frequency
}

/** YaRN (arXiv 2309.00071): slow pairs are interpolated, fast ones kept, those between blended. */
function yarnFrequencies(
  rope: RopeParameters,
  headDim: number,
  build: (f: (i: number) => number) => Float32Array<ArrayBuffer>,
  frequency: (i: number) => number,
): Required<RopeFrequencies> {
  const { betaFast, betaSlow, mscale, mscaleAllDim, truncate } = rope.yarn
  const scale = (m: number): number => (rope.factor <= 1 ? 1 : 0.1 * m * Math.log(rope.factor) + 1)
  const correction = (turns: number): number =>
    (headDim * Math.log(rope.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(rope.theta))
  const low = Math.max(truncate ? Math.floor(correction(betaFast)) : correction(betaFast), 0)
  const last = Math.min(truncate ? Math.ceil(correction(betaSlow)) : correction(betaSlow), headDim - 1)
  const high = last === low ? last + 0.001 : last
  return {
    invFreq: build((i) => {
      const keep = 1 - Math.min(Math.max((i - low) / (high - low), 0), 1)
      return (frequency(i) / rope.factor) * (1 - keep) + frequency(i) * keep
    }),
    attentionFactor:
      rope.attentionFactor ?? (mscale && mscaleAllDim ? scale(mscale) / scale(mscaleAllDim) : scale(1)),
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function numberOf(value: unknown, key: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ConfigError(`config.json: ${key}: expected a number, got ${JSON.stringify(value)}`)
  }
  return value
}

function numbers(settings: Record<string, unknown>, key: string, type: RopeType): readonly number[] {
  if (type !== 'longrope') return []
  const list = settings[key]
  if (!Array.isArray(list) || !list.every((n) => typeof n === 'number')) {
    throw new ConfigError(
      `config.json: rope_type longrope: expected ${key}, a list of numbers, got ${JSON.stringify(list)}`,
    )
  }
  return list
}
