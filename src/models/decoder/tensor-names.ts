import type { TensorEntry } from '../../data/safetensors.ts'
import type { DecoderConfig, ModelConfig } from '../config.ts'

/** A checkpoint does not hold the tensors its `config.json` promises; the message lists the keys. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
}

/** The linear layers of one decoder layer, by their path within it. */
export const LINEAR_PATHS = {
  q: 'self_attn.q_proj',
  k: 'self_attn.k_proj',
  v: 'self_attn.v_proj',
  o: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
} as const

export type LinearName = keyof typeof LINEAR_PATHS
export const LINEAR_NAMES = Object.keys(LINEAR_PATHS) as LinearName[]

/** Output and input size of a linear layer, as its weight is stored. */
export function linearShape(config: DecoderConfig, name: LinearName): readonly [out: number, inp: number] {
  const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim } = config
  switch (name) {
    case 'q':
      return [numHeads * headDim, hiddenSize]
    case 'k':
    case 'v':
      return [numKvHeads * headDim, hiddenSize]
    case 'o':
      return [hiddenSize, numHeads * headDim]
    case 'gate':
    case 'up':
      return [intermediateSize, hiddenSize]
    case 'down':
      return [hiddenSize, intermediateSize]
  }
}

/** Whether a linear layer has a bias. */
export function hasBias({ bias }: DecoderConfig, name: LinearName): boolean {
  if (name === 'q' || name === 'k' || name === 'v') return bias.qkv
  return name === 'o' ? bias.output : bias.mlp
}

/** Paths of all linear layers of the decoder but the head, as adapters name them. */
export function linearModulePaths({ decoder, decoderPath }: ModelConfig): string[] {
  return Array.from({ length: decoder.numLayers }, (_, layer) =>
    LINEAR_NAMES.map((name) => `${decoderPath}.layers.${layer}.${LINEAR_PATHS[name]}`),
  ).flat()
}

/** A checkpoint's tensors of the decoder, by their names within it: `layers.0.mlp.up_proj.weight`, `lm_head.weight`. */
export type DecoderTensors = ReadonlyMap<string, TensorEntry>

/**
 * Finds the decoder's tensors in a checkpoint, whatever prefix the version of transformers that wrote it gave them.
 * @throws {CheckpointError} listing missing keys, keys of the decoder that its config has no use for, and wrong shapes.
 */
export function findDecoderTensors(
  config: DecoderConfig,
  checkpoint: ReadonlyMap<string, TensorEntry>,
): DecoderTensors {
  const prefix = decoderPrefix(checkpoint)
  const heads = [...checkpoint.keys()].filter((key) => /(^|\.)lm_head\.weight$/.test(key))
  const found = new Map<string, TensorEntry>()
  for (const [key, entry] of checkpoint) {
    if (key.startsWith(prefix)) found.set(key.slice(prefix.length), entry)
    else if (key === heads[0]) found.set('lm_head.weight', entry)
  }
  const expected = expectedTensors(config)
  if (config.tieWordEmbeddings && !found.has('lm_head.weight')) expected.delete('lm_head.weight')
  const missing = [...expected.keys()].filter((name) => !found.has(name))
  const unknown = [...found.keys()].filter((name) => !expected.has(name) && !IGNORED.test(name))
  if (missing.length + unknown.length > 0) {
    throw new CheckpointError(
      `the checkpoint does not fit its config.json (decoder keys begin with "${prefix}"): ` +
        `missing ${listKeys(missing)}; without use ${listKeys(unknown)}`,
    )
  }
  for (const [name, shape] of expected) {
    const entry = found.get(name)
    if (entry && entry.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `${entry.name}: expected shape (${shape.join(', ')}), got (${entry.shape.join(', ')})`,
      )
    }
  }
  return new Map([...expected.keys()].map((name) => [name, found.get(name) as TensorEntry]))
}

/**
 * Buffers older checkpoints carry that are computed here, and what LLaVA's own code (LlavaQwen2) keeps beside the decoder's
 * layers to make image features.
 */
const IGNORED = /rotary_emb\.inv_freq$|^(vision_tower|mm_projector)\.|^image_newline$/

function decoderPrefix(checkpoint: ReadonlyMap<string, TensorEntry>): string {
  const suffix = 'embed_tokens.weight'
  const prefixes = [...checkpoint.keys()]
    .filter((key) => key === suffix || key.endsWith(`.${suffix}`))
    .map((key) => key.slice(0, -suffix.length))
  if (prefixes.length !== 1) {
    throw new CheckpointError(
      `expected one key that ends in ${suffix}, got ${prefixes.length} among ${checkpoint.size}: ${listKeys([...checkpoint.keys()])}`,
    )
  }
  return prefixes[0] as string
}

/** Names and shapes of all tensors a decoder of this shape has. */
export function expectedTensors(config: DecoderConfig): Map<string, readonly number[]> {
  const { hiddenSize, vocabSize, headDim } = config
  const expected = new Map<string, readonly number[]>([
    ['embed_tokens.weight', [vocabSize, hiddenSize]],
    ['norm.weight', [hiddenSize]],
    ['lm_head.weight', [vocabSize, hiddenSize]],
  ])
  for (let i = 0; i < config.numLayers; i++) {
    const layer = `layers.${i}`
    expected.set(`${layer}.input_layernorm.weight`, [hiddenSize])
    expected.set(`${layer}.post_attention_layernorm.weight`, [hiddenSize])
    if (config.qkNorm) {
      expected.set(`${layer}.self_attn.q_norm.weight`, [headDim])
      expected.set(`${layer}.self_attn.k_norm.weight`, [headDim])
    }
    for (const name of LINEAR_NAMES) {
      const shape = linearShape(config, name)
      expected.set(`${layer}.${LINEAR_PATHS[name]}.weight`, shape)
      if (hasBias(config, name)) expected.set(`${layer}.${LINEAR_PATHS[name]}.bias`, [shape[0]])
    }
  }
  return expected
}

function listKeys(keys: readonly string[]): string {
  if (keys.length === 0) return 'none'
  const shown = keys.slice(0, 12).join(', ')
  return keys.length > 12 ? `${shown} and ${keys.length - 12} more` : shown
}
