import { expect, test } from 'vitest'
import type { DecoderConfig } from '../../../src/models/config.ts'
import { fitLimits } from '../../../src/models/decoder/generation-fit.ts'
import { generatorLimits } from '../../../src/models/decoder/generation-groups.ts'

/** LLaVA-1.5-7B's. */
const config = {
  numLayers: 32,
  numHeads: 32,
  numKvHeads: 32,
  headDim: 128,
  hiddenSize: 4096,
  intermediateSize: 11008,
  vocabSize: 32064,
  qkNorm: false,
} as DecoderConfig
const settings = { maxNewTokens: 256 }
const limits = generatorLimits(config, settings.maxNewTokens)
const prefix = { ids: { length: 620 }, features: { length: 576 * 4096 } }
const requests = [
  { prefix, candidates: 16 },
  { prefix, candidates: 16 },
]
const everything = { bytes: Number.POSITIVE_INFINITY, maxBufferBytes: Number.POSITIVE_INFINITY }
const GIB = 2 ** 30

test('a large model writes as many answers at once as there is room for', () => {
  const whole = fitLimits(config, { requests, settings }, limits, everything)
  expect(whole.limits).toEqual(limits)
  expect(whole.size).toMatchObject({ answers: 16, prefixTokens: 620, passTokens: 620, featureRows: 576 })
  expect(whole.bytes).toBeGreaterThan(4 * GIB)
  const fitted = fitLimits(config, { requests, settings }, limits, { ...everything, bytes: 2 * GIB })
  expect(fitted.bytes).toBeLessThanOrEqual(2 * GIB)
  expect(fitted.size.answers).toBe(4)
  const least = fitLimits(config, { requests, settings }, limits, { ...everything, bytes: 1000 })
  expect(least.size.answers).toBe(1)
  expect(least.bytes).toBeGreaterThan(1000)
})

test('no buffer is larger than the device binds', () => {
  const room = { ...everything, maxBufferBytes: 2 ** 25 } // of cached keys 2048 rows
  const { size } = fitLimits(config, { requests, settings }, limits, room)
  expect(size.prefixTokens + size.answers * settings.maxNewTokens).toBeLessThanOrEqual(2048)
})

test('nothing takes nothing', () => {
  const { limits: fitted, size } = fitLimits(config, { requests: [], settings }, limits, everything)
  expect(fitted).toEqual(limits)
  expect(size).toMatchObject({ answers: 0, prefixTokens: 0 })
})
