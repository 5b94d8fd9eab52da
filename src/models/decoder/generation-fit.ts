import type { DecoderConfig } from '../config.ts'
import type { AdapterLayout } from './adapter.ts'
import { type Asked, type GeneratorLimits, groupAnswers, slicePrefixes } from './generation-groups.ts'
import { type GenerationSize, generationBytes } from './generation-memory.ts'

type Limits = Required<GeneratorLimits>

/** What is to be written, and how it is told. */
export interface WantedAnswers {
  readonly requests: readonly Asked[]
  readonly settings: Omit<GenerationSize, 'answers' | 'prefixTokens' | 'passTokens' | 'featureRows'>
  readonly layout?: AdapterLayout | undefined
}

/** Limits, and what the largest group within them takes. */
export interface FittedLimits {
  readonly limits: Limits
  readonly size: GenerationSize
  /** On the GPU, beside the weights. */
  readonly bytes: number
}

/** What there is for answers on the GPU. */
export interface Room {
  /** Beside all else. */
  readonly bytes: number
  /** As `MemoryLimits.maxBufferBytes`. */
  readonly maxBufferBytes: number
}

/** Halves limits until the largest group fits, or is one answer. */
export function fitLimits(
  config: DecoderConfig,
  { requests, settings, layout }: WantedAnswers,
  wanted: Limits,
  room: Room,
): FittedLimits {
  for (let limits = wanted; ; limits = halved(limits)) {
    const size = { ...settings, ...largestGroup(requests, limits, config.hiddenSize) }
    const { bytes, largestBytes } = generationBytes(config, layout, size)
    const fits = bytes <= room.bytes && largestBytes <= room.maxBufferBytes
    if (fits || limits.maxRows === 1) return { limits, size, bytes }
  }
}

function halved({ maxRows, maxPrefixRows, maxCachedRows }: Limits): Limits {
  const half = (n: number): number => Math.ceil(n / 2)
  return { maxRows: half(maxRows), maxPrefixRows: half(maxPrefixRows), maxCachedRows: half(maxCachedRows) }
}

/** The most of everything that any group has. */
function largestGroup(
  requests: readonly Asked[],
  limits: Limits,
  hiddenSize: number,
): Pick<GenerationSize, 'answers' | 'prefixTokens' | 'passTokens' | 'featureRows'> {
  const size = { answers: 0, prefixTokens: 0, passTokens: 0, featureRows: 0 }
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
  for (const group of groupAnswers(requests, limits)) {
    const prefixes = [...new Set(group.map(({ request }) => request))].map(({ prefix }) => prefix)
    size.answers = Math.max(size.answers, group.length)
    size.prefixTokens = Math.max(size.prefixTokens, sum(prefixes.map(({ ids }) => ids.length)))
    for (const slice of slicePrefixes(prefixes, limits.maxPrefixRows)) {
      const features = sum(slice.map((prefix) => prefix.features?.length ?? 0))
      size.passTokens = Math.max(size.passTokens, sum(slice.map(({ ids }) => ids.length)))
      size.featureRows = Math.max(size.featureRows, features / hiddenSize)
    }
  }
  return size
}
