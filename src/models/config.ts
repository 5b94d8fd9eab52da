import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import { type AnyresConfig, parseAnyresConfig } from './anyres-config.ts'
import { ConfigError } from './config-error.ts'
import { type RopeParameters, ropeParameters } from './rope-parameters.ts'

/** Decoder families this project computes; all are pre-norm, RMSNorm, SwiGLU, RoPE decoders. */
export type DecoderFamily = 'llama' | 'mistral' | 'qwen2' | 'qwen3'

/** Shape and settings of a Llama-family decoder. */
export interface DecoderConfig {
  family: DecoderFamily
  vocabSize: number
  hiddenSize: number
  intermediateSize: number
  numLayers: number
  numHeads: number
  numKvHeads: number
  headDim: number
  rmsNormEps: number
  maxPositions: number
  /** Tokens a token can look back, itself included; undefined when it sees all. */
  slidingWindow: number | undefined
  /** The head shares the embedding's weight. */
  tieWordEmbeddings: boolean
  /** Biases of the q, k and v projections; of the o projection; of the three of the MLP. */
  bias: { qkv: boolean; output: boolean; mlp: boolean }
  /** RMSNorm over each head of q and k before RoPE (Qwen3). */
  qkNorm: boolean
  rope: RopeParameters
}

/** What a checkpoint's `config.json` says of the whole model. */
export interface ModelConfig {
  /** `architectures[0]`, such as `LlavaForConditionalGeneration`. */
  architecture: string
  decoder: DecoderConfig
  /** Path of the decoder among the model's modules, as transformers >= 4.52 names them; adapters use it. */
  decoderPath: string
  /** The token that image features replace; undefined for text-only models. */
  imageTokenId: number | undefined
  /** How images are put together that are cut into tiles of several resolutions; undefined for other models. */
  anyres?: AnyresConfig
}

const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const nullish = <T extends v.GenericSchema>(schema: T) => v.nullish(schema)

const textSchema = v.looseObject({
  model_type: v.string(),
  vocab_size: nullish(positive),
  hidden_size: nullish(positive),
  intermediate_size: nullish(positive),
  num_hidden_layers: nullish(positive),
  num_attention_heads: nullish(positive),
  num_key_value_heads: nullish(positive),
  head_dim: nullish(positive),
  hidden_act: nullish(v.string()),
  rms_norm_eps: nullish(v.number()),
  max_position_embeddings: nullish(positive),
  sliding_window: nullish(positive),
  use_sliding_window: nullish(v.boolean()),
  tie_word_embeddings: nullish(v.boolean()),
  attention_bias: nullish(v.boolean()),
  mlp_bias: nullish(v.boolean()),
})
type TextConfig = v.InferOutput<typeof textSchema>

const modelSchema = v.looseObject({
  architectures: v.pipe(v.array(v.string()), v.minLength(1)),
  model_type: nullish(v.string()),
  text_config: nullish(v.looseObject({})),
  image_token_id: nullish(v.number()),
  image_token_index: nullish(v.number()),
  tie_word_embeddings: nullish(v.boolean()),
})

/** Where each kind of model keeps its decoder. */
const DECODER_PATHS: Record<string, string> = {
  LlamaForCausalLM: 'model',
  MistralForCausalLM: 'model',
  Qwen2ForCausalLM: 'model',
  Qwen3ForCausalLM: 'model',
  LlavaQwen2ForCausalLM: 'model',
  LlavaForConditionalGeneration: 'model.language_model',
  LlavaNextForConditionalGeneration: 'model.language_model',
  LlavaOnevisionForConditionalGeneration: 'model.language_model',
  Idefics3ForConditionalGeneration: 'model.text_model',
  SmolVLMForConditionalGeneration: 'model.text_model',
}

/** Values transformers leaves out of a nested `text_config` because they are the family's defaults. */
const FAMILY_DEFAULTS = {
  llama: {
    vocab: 32000,
    hidden: 4096,
    intermediate: 11008,
    layers: 32,
    heads: 32,
    kvHeads: undefined,
    positions: 2048,
  },
  mistral: {
    vocab: 32000,
    hidden: 4096,
    intermediate: 14336,
    layers: 32,
    heads: 32,
    kvHeads: 8,
    positions: 131072,
  },
  qwen2: {
    vocab: 151936,
    hidden: 4096,
    intermediate: 22016,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    positions: 32768,
  },
  qwen3: {
    vocab: 151936,
    hidden: 4096,
    intermediate: 22016,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    positions: 32768,
  },
} as const

/**
 * Reads a Hugging Face `config.json`, of a language model alone or of one inside a vision-language model.
 * @param json the parsed file.
 * @throws {ConfigError} naming the key, what was expected and what came.
 */
export function parseModelConfig(json: unknown): ModelConfig {
  const model = readSchema(modelSchema, json, (message) => new ConfigError(`config.json: ${message}`))
  const architecture = model.architectures[0] as string
  const decoderPath = DECODER_PATHS[architecture]
  if (!decoderPath) {
    throw new ConfigError(
      `config.json: architectures: expected one of ${Object.keys(DECODER_PATHS).join(', ')}, got ${architecture}`,
    )
  }
  const nested = model.text_config ?? undefined
  const where = nested ? 'config.json: text_config' : 'config.json'
  const text = readSchema(textSchema, nested ?? json, (message) => new ConfigError(`${where}: ${message}`))
  const decoder = decoderConfig(text)
  decoder.tieWordEmbeddings ||= model.tie_word_embeddings ?? false
  const imageTokenId = model.image_token_id ?? model.image_token_index ?? undefined
  const anyres = parseAnyresConfig(architecture, json)
  return { architecture, decoder, decoderPath, imageTokenId, ...(anyres ? { anyres } : {}) }
}

function decoderConfig(text: TextConfig): DecoderConfig {
  const family = familyOf(text.model_type)
  const defaults = FAMILY_DEFAULTS[family]
  const activation = text.hidden_act ?? 'silu'
  if (activation !== 'silu') {
    throw new ConfigError(
      `config.json: hidden_act: expected silu (the SwiGLU decoders this project computes), got ${activation}`,
    )
  }
  const hiddenSize = text.hidden_size ?? defaults.hidden
  const numHeads = text.num_attention_heads ?? defaults.heads
  const numKvHeads = text.num_key_value_heads ?? defaults.kvHeads ?? numHeads
  const headDim = text.head_dim ?? (family === 'qwen3' ? 128 : hiddenSize / numHeads)
  if (!Number.isInteger(headDim)) {
    throw new ConfigError(
      `config.json: expected hidden_size ${hiddenSize} to be a multiple of num_attention_heads ${numHeads}`,
    )
  }
  if (numHeads % numKvHeads !== 0) {
    throw new ConfigError(
      `config.json: expected num_attention_heads ${numHeads} to be a multiple of num_key_value_heads ${numKvHeads}`,
    )
  }
  const attentionBias = text.attention_bias ?? false
  const maxPositions = text.max_position_embeddings ?? defaults.positions
  return {
    family,
    vocabSize: text.vocab_size ?? defaults.vocab,
    hiddenSize,
    intermediateSize: text.intermediate_size ?? defaults.intermediate,
    numLayers: text.num_hidden_layers ?? defaults.layers,
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: text.rms_norm_eps ?? 1e-6,
    maxPositions,
    slidingWindow: slidingWindow(family, text),
    tieWordEmbeddings: text.tie_word_embeddings ?? false,
    bias: {
      qkv: family === 'qwen2' || attentionBias,
      output: family !== 'qwen2' && attentionBias,
      mlp: text.mlp_bias ?? false,
    },
    qkNorm: family === 'qwen3',
    rope: ropeParameters(text, maxPositions),
  }
}

function slidingWindow(family: DecoderFamily, text: TextConfig): number | undefined {
  if (family === 'llama') return undefined
  if (family === 'mistral')
    return text.sliding_window === undefined ? 4096 : (text.sliding_window ?? undefined)
  return text.use_sliding_window ? (text.sliding_window ?? undefined) : undefined
}

function familyOf(modelType: string): DecoderFamily {
  const family = modelType === 'llava_qwen2' ? 'qwen2' : modelType
  if (family in FAMILY_DEFAULTS) return family as DecoderFamily
  throw new ConfigError(
    `config.json: model_type of the decoder: expected one of ${Object.keys(FAMILY_DEFAULTS).join(', ')}, got ${modelType}`,
  )
}
