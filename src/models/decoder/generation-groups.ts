import type { DecoderConfig } from '../config.ts'

export interface GeneratorLimits {
  /** Answers decoded at once. Default as many as have 256 MiB of keys and values of their own, from 16 to 256. */
  readonly maxRows?: number
  /** Rows of prefixes computed at once; a longer prefix is computed alone. Default as many as have 2 MiB in the residual stream, from 512 to 4096. */
  readonly maxPrefixRows?: number
  /** Rows of prefixes whose answers are decoded at once. Default as many as have 256 MiB of keys and values, at least `maxPrefixRows`. */
  readonly maxCachedRows?: number
}

/** What the default limits let a group of answers take, in numbers of 4 bytes. */
const CACHE_NUMBERS = 2 ** 26
const PREFIX_NUMBERS = 2 ** 19

/** The limits as they are given, and their defaults for a model and its answers' greatest length. */
export function generatorLimits(
  { hiddenSize, numLayers, numKvHeads, headDim }: DecoderConfig,
  maxNewTokens: number,
  given: GeneratorLimits = {},
): Required<GeneratorLimits> {
  const cachedRows = CACHE_NUMBERS / (2 * numLayers * numKvHeads * headDim)
  const {
    maxRows = between(16, cachedRows / maxNewTokens, 256),
    maxPrefixRows = between(512, PREFIX_NUMBERS / hiddenSize, 4096),
    maxCachedRows = Math.max(maxPrefixRows, Math.floor(cachedRows)),
  } = given
  return { maxRows, maxPrefixRows, maxCachedRows }
}

/** What of a prefix its memory depends on. */
export interface PrefixLengths {
  readonly ids: { readonly length: number }
  readonly features?: { readonly length: number } | undefined
}

/** A request whose answers are grouped. */
export interface Asked {
  readonly prefix: PrefixLengths
  readonly candidates: number
}

/** One of the answers to a request. */
export interface Wanted<R> {
  readonly request: R
  /** The request's place among all, and the answer's number among the request's. */
  readonly index: number
  readonly candidate: number
}

/** Splits requests, and the answers to one where these are many, into groups that are decoded at once. */
export function groupAnswers<R extends Asked>(
  requests: readonly R[],
  { maxRows, maxCachedRows }: Pick<Required<GeneratorLimits>, 'maxRows' | 'maxCachedRows'>,
): Wanted<R>[][] {
  const groups: Wanted<R>[][] = []
  let cached = 0
  requests.forEach((request, index) => {
    const { length } = request.prefix.ids
    for (let candidate = 0; candidate < request.candidates; candidate++) {
      let group = groups.at(-1)
      const added = group?.at(-1)?.index === index ? 0 : length
      if (!group || group.length >= maxRows || (added > 0 && cached + added > maxCachedRows)) {
        group = []
        groups.push(group)
        cached = length
      } else {
        cached += added
      }
      group.push({ request, index, candidate })
    }
  })
  return groups
}

/** Splits prefixes into slices of at most `maxPrefixRows` that are computed at once; a longer prefix is one of its own. */
export function slicePrefixes<P extends PrefixLengths>(prefixes: readonly P[], maxPrefixRows: number): P[][] {
  const slices: P[][] = []
  let rows = 0
  for (const prefix of prefixes) {
    const { length } = prefix.ids
    const slice = slices.at(-1)
    if (slice && rows + length <= maxPrefixRows) {
      slice.push(prefix)
      rows += length
    } else {
      slices.push([prefix])
      rows = length
    }
  }
  return slices
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(value)))
}
