import type { LoraConfig } from '../../src/data/peft.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { WeightFormat } from '../../src/kernels/weight.ts'
import { parseTrainerConfig, type TrainerConfig } from '../../src/method/trainer-config.ts'
import { type ModelConfig, parseModelConfig } from '../../src/models/config.ts'
import { Decoder, type DecoderOptions } from '../../src/models/decoder/decoder.ts'
import type { TokenPair } from '../../src/models/decoder/trainer.ts'
import { WeightLoader } from '../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights } from '../../src/models/decoder/weights.ts'
import { randomCheckpoint } from './checkpoint.ts'

/** The small model all libraries are compared on: 0.8 million parameters. */
export const SMALL = parseModelConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 200,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
  max_position_embeddings: 256,
})

/** A decoder of the embedded policy's size: 1.3 million parameters. */
export const DEMO = parseModelConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 950,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
  max_position_embeddings: 256,
})

/** The language model of SmolVLM-256M. */
export const SMOLVLM_256M = parseModelConfig({
  architectures: ['SmolVLMForConditionalGeneration'],
  image_token_id: 49190,
  text_config: {
    model_type: 'llama',
    vocab_size: 49280,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    max_position_embeddings: 8192,
    tie_word_embeddings: false,
  },
})

export const LORA: LoraConfig = {
  r: 8,
  lora_alpha: 16,
  lora_dropout: 0,
  use_rslora: false,
  init_lora_weights: true,
  target_modules: 'all-linear',
  exclude_modules: null,
}

/** The lengths of the comparison: pairs of a step, tokens of a prefix and of an answer. */
export const PAIRS = 4
export const PREFIX = 48
export const ANSWER = 32
export const LEARNING_RATE = 1e-3
export const BETA = 0.1

export function trainerConfig(maxSteps: number, batchSize = PAIRS): TrainerConfig {
  return parseTrainerConfig({
    beta: BETA,
    learning_rate: LEARNING_RATE,
    lr_scheduler_type: 'constant',
    max_grad_norm: 0,
    per_device_train_batch_size: batchSize,
    max_steps: maxSteps,
  })
}

/** Tokens that differ from place to place. */
export function tokens(length: number, seed: number, vocabSize = SMALL.decoder.vocabSize): number[] {
  return Array.from({ length }, (_, i) => (seed * 31 + i * (7 + seed) + ((i * i) % 13)) % vocabSize)
}

/** Four pairs about `PAIRS / perImage` images. */
export function pairs(perImage: number, [prefix, answer] = [PREFIX, ANSWER]): TokenPair[] {
  return Array.from({ length: PAIRS }, (_, i): TokenPair => {
    const image = Math.floor(i / perImage)
    return {
      prefix: { key: `${image}`, ids: tokens(prefix, image) },
      chosen: tokens(answer, 10 + i),
      rejected: tokens(answer, 20 + i),
    }
  })
}

/** A decoder of random weights on the GPU. */
export async function loadRandom(
  gpu: Gpu,
  model: ModelConfig,
  {
    format = 'f32',
    dtype = 'F32',
    ...options
  }: DecoderOptions & { format?: WeightFormat; dtype?: 'F32' | 'BF16' } = {},
): Promise<Decoder> {
  const loader = await WeightLoader.create(gpu, format)
  const weights = await loadDecoderWeights(gpu, model.decoder, randomCheckpoint(model.decoder, dtype), loader)
  return Decoder.create(gpu, model.decoder, weights, options)
}
