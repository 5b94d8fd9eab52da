import { describe, expect, test } from 'vitest'
import { parseModelConfig } from '../../src/models/config.ts'
import { ropeFrequencies } from '../../src/models/rope-parameters.ts'
import golden from '../goldens/decoder-config.json'
import { relativeError } from '../support/numeric.ts'

describe.each(golden.cases)('$name', ({ config, expected, short, long }) => {
  test('is read as transformers reads it', () => {
    expect(parseModelConfig(config).decoder).toMatchObject(expected)
  })

  test.each([
    ['short', 16, short],
    ['long', 3 * expected.maxPositions, long],
  ] as const)(
    'has the RoPE frequencies of transformers for a %s sequence',
    (_, length, [invFreq, factor]) => {
      const { decoder } = parseModelConfig(config)
      const ours = ropeFrequencies(decoder.rope, decoder.headDim, length)
      expect(ours.attentionFactor).toBeCloseTo(factor as number, 6)
      const theirs = invFreq as number[]
      expect(relativeError(Array.from(ours.invFreq, Math.log), theirs.map(Math.log))).toBeLessThan(1e-6)
    },
  )
})

const llama = { architectures: ['LlamaForCausalLM'], model_type: 'llama' }

test('a nested config that leaves defaults out gets the family’s', () => {
  const { decoder } = parseModelConfig({
    architectures: ['LlavaForConditionalGeneration'],
    image_token_index: 32000,
    text_config: {
      model_type: 'llama',
      vocab_size: 32064,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 4096,
    },
  })
  expect(decoder).toMatchObject({
    hiddenSize: 4096,
    numLayers: 32,
    numKvHeads: 32,
    headDim: 128,
    rmsNormEps: 1e-5,
  })
})

test('older configs keep RoPE in rope_theta and rope_scaling', () => {
  const { rope } = parseModelConfig({
    ...llama,
    rope_theta: 5e5,
    rope_scaling: { type: 'linear', factor: 2 },
  }).decoder
  expect(rope).toMatchObject({ type: 'linear', theta: 5e5, factor: 2 })
})

test('paths, image token, biases and sliding windows', () => {
  const smol = parseModelConfig({
    architectures: ['SmolVLMForConditionalGeneration'],
    image_token_id: 49190,
    tie_word_embeddings: true,
    text_config: { model_type: 'llama' },
  })
  expect(smol).toMatchObject({ decoderPath: 'model.text_model', imageTokenId: 49190 })
  expect(smol.decoder.tieWordEmbeddings).toBe(true)
  expect(parseModelConfig(llama).imageTokenId).toBeUndefined()
  const qwen = { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', sliding_window: 128 }
  expect(parseModelConfig(qwen).decoder).toMatchObject({
    slidingWindow: undefined,
    bias: { qkv: true, output: false },
  })
  expect(parseModelConfig({ ...qwen, use_sliding_window: true }).decoder.slidingWindow).toBe(128)
  const mistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral' }
  expect(parseModelConfig(mistral).decoder.slidingWindow).toBe(4096)
  expect(parseModelConfig({ ...mistral, sliding_window: null }).decoder.slidingWindow).toBeUndefined()
})

test.each([
  [null, 'config.json: the document: expected Object, got null'],
  [{ ...llama, architectures: ['BertModel'] }, 'architectures: expected one of LlamaForCausalLM'],
  [{ ...llama, model_type: 'gemma' }, 'expected one of llama, mistral, qwen2, qwen3, got gemma'],
  [{ ...llama, hidden_size: '64' }, 'config.json: hidden_size: expected'],
  [
    { ...llama, hidden_size: 65, num_attention_heads: 4 },
    'expected hidden_size 65 to be a multiple of num_attention_heads 4',
  ],
  [
    { ...llama, num_attention_heads: 4, num_key_value_heads: 3 },
    'num_attention_heads 4 to be a multiple of num_key_value_heads 3',
  ],
  [{ ...llama, hidden_act: 'gelu' }, 'hidden_act: expected silu'],
  [{ ...llama, rope_parameters: { rope_type: 'spiral' } }, 'rope_type: expected one of default'],
  [
    { ...llama, rope_parameters: { rope_type: 'llama3', factor: 8 } },
    'rope_type llama3: expected low_freq_factor, found none',
  ],
])('a config that does not fit is refused: %#', (config, message) => {
  expect(() => parseModelConfig(config)).toThrow(message)
})
