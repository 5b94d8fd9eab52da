import { describe, expect, test } from 'vitest'
import type { DecoderConfig } from '../../../src/models/config.ts'
import {
  generatorLimits,
  groupAnswers,
  slicePrefixes,
} from '../../../src/models/decoder/generation-groups.ts'

const request = (length: number, candidates: number) => ({
  prefix: { ids: Array.from({ length }, () => 3) },
  candidates,
})
const sizes = (groups: readonly (readonly unknown[])[]) => groups.map(({ length }) => length)
/** Layers, key heads, head size and hidden size of a model of some hundred images' tokens. */
const decoder = (numLayers: number, numKvHeads: number, headDim: number, hiddenSize: number) =>
  ({ numLayers, numKvHeads, headDim, hiddenSize }) as DecoderConfig

describe('groups of answers', () => {
  test('end where there are enough answers, or prefixes for the cache', () => {
    const requests = [request(10, 3), request(10, 3), request(10, 3)]
    expect(sizes(groupAnswers(requests, { maxRows: 9, maxCachedRows: 30 }))).toEqual([9])
    expect(sizes(groupAnswers(requests, { maxRows: 9, maxCachedRows: 29 }))).toEqual([6, 3])
    expect(sizes(groupAnswers(requests, { maxRows: 4, maxCachedRows: 30 }))).toEqual([4, 4, 1])
    expect(sizes(groupAnswers(requests, { maxRows: 9, maxCachedRows: 1 }))).toEqual([3, 3, 3])
  })

  test.each([
    ['LLaVA-1.5-7B', decoder(32, 32, 128, 4096), 620, 8],
    ['LLaVA-OneVision-0.5B', decoder(24, 2, 64, 896), 770, 16],
    ['SmolVLM-256M with splitting', decoder(30, 3, 64, 576), 1200, 16],
  ])('of one image are one by default, also with the prefix of %s', (_, config, length, candidates) => {
    const limits = generatorLimits(config, 64)
    expect(length).toBeGreaterThan(limits.maxPrefixRows)
    expect(sizes(groupAnswers([request(length, candidates)], limits))).toEqual([candidates])
  })

  test('of two images are one where the cache has room for both', () => {
    const limits = generatorLimits(decoder(24, 2, 64, 896), 64)
    expect(sizes(groupAnswers([request(770, 4), request(770, 4)], limits))).toEqual([8])
  })
})

test('prefixes are computed at once as far as the limit goes, a longer one alone', () => {
  const prefixes = [4, 4, 9, 2, 6, 1].map((length) => request(length, 1).prefix)
  expect(slicePrefixes(prefixes, 8).map((slice) => slice.map(({ ids }) => ids.length))).toEqual([
    [4, 4],
    [9],
    [2, 6],
    [1],
  ])
})
