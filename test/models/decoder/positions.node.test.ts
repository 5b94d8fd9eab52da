import { describe, expect, test } from 'vitest'
import { parseModelConfig } from '../../../src/models/config.ts'
import { positionsOf } from '../../../src/models/decoder/positions.ts'

const llama = { architectures: ['LlamaForCausalLM'], model_type: 'llama', max_position_embeddings: 16384 }
const mistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral', sliding_window: 1024 }
const long = Array(64).fill(1)
const rope = (settings: object) => ({
  ...llama,
  rope_parameters: { rope_theta: 1e4, factor: 4, original_max_position_embeddings: 2048, ...settings },
})

describe.each([
  ['a model without limits', llama, 4096, undefined],
  ['a short model', { ...llama, max_position_embeddings: 512 }, 512, undefined],
  ['a sliding window', mistral, 1024, 'beyond its sliding window'],
  ['dynamic RoPE', rope({ rope_type: 'dynamic' }), 4096, 'its RoPE of type dynamic'],
  [
    'longrope',
    rope({ rope_type: 'longrope', short_factor: long, long_factor: long }),
    2048,
    'its RoPE of type longrope',
  ],
  ['yarn, which does not depend on the length', rope({ rope_type: 'yarn' }), 4096, undefined],
])('%s', (_, config, usual, why) => {
  const { decoder } = parseModelConfig(config)

  test(`has ${usual} positions by default`, () => {
    expect(positionsOf(decoder)).toBe(usual)
  })

  test(why === undefined ? 'has more if asked for' : 'is refused more', () => {
    if (why === undefined) expect(positionsOf(decoder, 20_000)).toBe(20_000)
    else expect(() => positionsOf(decoder, 20_000)).toThrow(why)
    expect(positionsOf(decoder, 100)).toBe(100)
  })
})

test.each([0, 1.5, -1])('%d positions are none', (wanted) => {
  expect(() => positionsOf(parseModelConfig(llama).decoder, wanted)).toThrow(
    `maxPositions: expected a whole number from 1 on, got ${wanted}`,
  )
})
