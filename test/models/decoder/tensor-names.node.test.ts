import { describe, expect, test } from 'vitest'
import type { TensorEntry } from '../../../src/data/safetensors.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import {
  CheckpointError,
  expectedTensors,
  findDecoderTensors,
} from '../../../src/models/decoder/tensor-names.ts'

const SHAPE = {
  vocab_size: 12,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
}

const alone = (architecture: string, type: string) => ({
  architectures: [architecture],
  model_type: type,
  ...SHAPE,
})
const inside = (architecture: string, type: string) => ({
  architectures: [architecture],
  image_token_id: 11,
  text_config: { model_type: type, ...SHAPE },
})

/** Where the decoder's tensors, its head and others lie in checkpoints of each kind. */
const KINDS = [
  ['Llama', alone('LlamaForCausalLM', 'llama'), 'model.', '', []],
  ['Qwen3', alone('Qwen3ForCausalLM', 'qwen3'), 'model.', '', []],
  [
    'LLaVA of transformers before 4.52',
    inside('LlavaForConditionalGeneration', 'llama'),
    'language_model.model.',
    'language_model.',
    ['vision_tower.vision_model.embeddings.class_embedding', 'multi_modal_projector.linear_1.weight'],
  ],
  [
    'LLaVA of transformers from 4.52 on',
    inside('LlavaForConditionalGeneration', 'llama'),
    'model.language_model.',
    '',
    [
      'model.vision_tower.vision_model.embeddings.class_embedding',
      'model.multi_modal_projector.linear_1.weight',
    ],
  ],
  [
    'LLaVA-OneVision of transformers from 4.52 on',
    inside('LlavaOnevisionForConditionalGeneration', 'qwen2'),
    'model.language_model.',
    '',
    ['model.image_newline'],
  ],
  [
    'SmolVLM',
    inside('SmolVLMForConditionalGeneration', 'llama'),
    'model.text_model.',
    '',
    [
      'model.vision_model.embeddings.patch_embedding.weight',
      'model.connector.modality_projection.proj.weight',
    ],
  ],
  [
    'LLaVA’s own Qwen2, with its vision tower among the layers',
    alone('LlavaQwen2ForCausalLM', 'llava_qwen2'),
    'model.',
    '',
    ['model.vision_tower.vision_tower.model.head.proj', 'model.mm_projector.0.weight', 'model.image_newline'],
  ],
] as const

function checkpointOf(config: unknown, prefix: string, head: string, others: readonly string[]) {
  const { decoder } = parseModelConfig(config)
  const entry = (name: string, shape: readonly number[]): [string, TensorEntry] => [
    name,
    { name, shape, dtype: 'F32', start: 0, end: 0 } as unknown as TensorEntry,
  ]
  const names = [...expectedTensors(decoder)].map(([name, shape]) =>
    entry((name === 'lm_head.weight' ? head : prefix) + name, shape),
  )
  const entries = new Map([...names, ...others.map((name) => entry(name, [1]))])
  return { decoder, entries }
}

describe.each(KINDS)('%s', (_, config, prefix, head, others) => {
  test('has all its decoder’s tensors found', () => {
    const { decoder, entries } = checkpointOf(config, prefix, head, others)
    const found = findDecoderTensors(decoder, entries)
    expect(found.size).toBe(entries.size - others.length)
    expect(found.get('layers.1.mlp.up_proj.weight')?.name).toBe(`${prefix}layers.1.mlp.up_proj.weight`)
    expect(found.get('lm_head.weight')?.name).toBe(`${head}lm_head.weight`)
  })

  test('is refused with a tensor missing, one too many, or one of another shape', () => {
    const { decoder, entries } = checkpointOf(config, prefix, head, others)
    const change = (name: string, entry: TensorEntry | undefined): Map<string, TensorEntry> => {
      const changed = new Map(entries)
      if (entry) changed.set(name, entry)
      else changed.delete(name)
      return changed
    }
    const refused = (checkpoint: Map<string, TensorEntry>): string => {
      try {
        findDecoderTensors(decoder, checkpoint)
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError)
        return (error as Error).message
      }
      return 'was not refused'
    }
    const up = `${prefix}layers.1.mlp.up_proj.weight`
    const odd = `${prefix}layers.1.mlp.router.weight`
    const entry = entries.get(up) as TensorEntry
    expect(refused(change(up, undefined))).toContain(
      `decoder keys begin with "${prefix}"): missing layers.1.mlp.up_proj.weight; without use none`,
    )
    expect(refused(change(odd, { ...entry, name: odd }))).toContain(
      'missing none; without use layers.1.mlp.router.weight',
    )
    expect(refused(change(up, { ...entry, shape: [16, 7] }))).toContain(
      `${up}: expected shape (16, 8), got (16, 7)`,
    )
  })
})

test('a checkpoint of no decoder is refused with its keys', () => {
  const { decoder, entries } = checkpointOf(KINDS[0][1], 'model.', '', [])
  entries.delete('model.embed_tokens.weight')
  expect(() => findDecoderTensors(decoder, entries)).toThrow(
    /expected one key that ends in embed_tokens.weight, got 0 among 20: model.norm.weight, .* and 8 more/,
  )
})
