import { decodeBf16, decodeF16 } from '../../data/floats.ts'
import type { TensorEntry } from '../../data/safetensors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { releaseWeight, type Weight, type WeightFormat } from '../../kernels/weight.ts'
import type { DecoderConfig } from '../config.ts'
import {
  CheckpointError,
  type DecoderTensors,
  hasBias,
  LINEAR_NAMES,
  LINEAR_PATHS,
  type LinearName,
} from './tensor-names.ts'
import type { WeightLoader } from './weight-loader.ts'

/** A frozen linear layer, y = x W^T + b. */
export interface Linear {
  readonly weight: Weight // (out, in)
  readonly bias: Tensor | undefined // (out)
}

export interface LayerWeights {
  readonly inputNorm: Tensor // (hiddenSize)
  readonly postNorm: Tensor // (hiddenSize)
  readonly qNorm: Tensor | undefined // (headDim)
  readonly kNorm: Tensor | undefined // (headDim)
  readonly linear: Readonly<Record<LinearName, Linear>>
}

/** All parameters of a decoder on the GPU. */
export interface DecoderWeights {
  readonly format: WeightFormat
  readonly embedding: Weight // (vocabSize, hiddenSize)
  readonly layers: readonly LayerWeights[]
  readonly finalNorm: Tensor // (hiddenSize)
  /** The embedding itself where the checkpoint ties them. */
  readonly head: Weight // (vocabSize, hiddenSize)
}

export interface LoadProgress {
  /** Tensors on the GPU so far, and in all. */
  done: number
  total: number
  /** Bytes read from the checkpoint. */
  bytesRead: number
}

/**
 * Reads a decoder's tensors one by one onto the GPU, so that the host never holds more than one of them. Where that fails or
 * is cancelled, nothing of it stays there.
 * @throws {CheckpointError} for a number type that holds no weights.
 */
export async function loadDecoderWeights(
  gpu: Gpu,
  config: DecoderConfig,
  tensors: DecoderTensors,
  loader: WeightLoader,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: LoadProgress) => void } = {},
): Promise<DecoderWeights> {
  let done = 0
  let bytesRead = 0
  /** Frees what has been made. */
  const undo: (() => void)[] = []
  const found = (name: string): TensorEntry => {
    const entry = tensors.get(name)
    if (!entry) throw new CheckpointError(`${name}: not among the tensors found`)
    return entry
  }
  const report = ({ start, end }: TensorEntry): void => {
    done++
    bytesRead += end - start
    onProgress?.({ done, total: tensors.size, bytesRead })
  }
  const vector = async (name: string): Promise<Tensor> => {
    const entry = found(name)
    const values = await readFloats(entry, signal)
    const tensor = gpu.upload(values, [values.length], name)
    undo.push(() => gpu.release(tensor))
    report(entry)
    return tensor
  }
  const matrix = async (name: string): Promise<Weight> => {
    const entry = found(name)
    const weight = await loader.load(entry, signal)
    undo.push(() => releaseWeight(gpu, weight))
    report(entry)
    return weight
  }
  const decoder = async (): Promise<DecoderWeights> => {
    const layers: LayerWeights[] = []
    const embedding = await matrix('embed_tokens.weight')
    for (let i = 0; i < config.numLayers; i++) {
      const at = (name: string): string => `layers.${i}.${name}`
      const linear = {} as Record<LinearName, Linear>
      for (const name of LINEAR_NAMES) {
        linear[name] = {
          weight: await matrix(at(`${LINEAR_PATHS[name]}.weight`)),
          bias: hasBias(config, name) ? await vector(at(`${LINEAR_PATHS[name]}.bias`)) : undefined,
        }
      }
      layers.push({
        inputNorm: await vector(at('input_layernorm.weight')),
        postNorm: await vector(at('post_attention_layernorm.weight')),
        qNorm: config.qkNorm ? await vector(at('self_attn.q_norm.weight')) : undefined,
        kNorm: config.qkNorm ? await vector(at('self_attn.k_norm.weight')) : undefined,
        linear,
      })
    }
    const finalNorm = await vector('norm.weight')
    const head = tensors.has('lm_head.weight') ? await matrix('lm_head.weight') : embedding
    return { format: loader.format, embedding, layers, finalNorm, head }
  }
  try {
    return await decoder()
  } catch (error) {
    for (const free of undo) free()
    throw error
  } finally {
    loader.release()
  }
}

/** Frees a decoder's weights. */
export function releaseDecoderWeights(
  gpu: Gpu,
  { embedding, head, finalNorm, layers }: DecoderWeights,
): void {
  releaseWeight(gpu, embedding)
  if (head !== embedding) releaseWeight(gpu, head)
  gpu.release(finalNorm)
  for (const { inputNorm, postNorm, qNorm, kNorm, linear } of layers) {
    gpu.release(...[inputNorm, postNorm, qNorm, kNorm].filter((t) => t !== undefined))
    for (const { weight, bias } of Object.values(linear)) {
      releaseWeight(gpu, weight)
      if (bias) gpu.release(bias)
    }
  }
}

/** A tensor of a checkpoint as f32. @throws {CheckpointError} unless it is stored as F32, F16 or BF16. */
export async function readFloats(
  entry: TensorEntry,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await entry.source.read(entry.start, entry.end, signal)
  const { buffer } = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
  switch (entry.dtype) {
    case 'F32':
      return new Float32Array(buffer)
    case 'F16':
      return decodeF16(new Uint16Array(buffer))
    case 'BF16':
      return decodeBf16(new Uint16Array(buffer))
    default:
      throw new CheckpointError(`${entry.name}: expected weights in F32, F16 or BF16, got ${entry.dtype}`)
  }
}
