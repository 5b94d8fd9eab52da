import {
  AdapterError,
  type LoraConfig,
  type LoraMatrices,
  loraScaling,
  matchTargetModules,
} from '../../data/peft.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { Tensor } from '../../gpu/tensor.ts'
import { philox4x32, uniformOf } from '../../method/random.ts'
import type { ModelConfig } from '../config.ts'
import {
  LINEAR_NAMES,
  LINEAR_PATHS,
  type LinearName,
  linearModulePaths,
  linearShape,
} from './tensor-names.ts'

/** Where one layer's two matrices lie in an adapter's flat tensors. */
export interface AdapterSlot {
  /** Module path, as PEFT names it. */
  readonly path: string
  /** Number of the module within the model, the same for every adapter; keys its dropout. */
  readonly module: number
  readonly layer: number
  readonly name: LinearName
  /** First element and shape of A (r, in) and B (out, r). */
  readonly loraA: { readonly offset: number; readonly shape: readonly [number, number] }
  readonly loraB: { readonly offset: number; readonly shape: readonly [number, number] }
}

/** The layers an adapter goes on and the layout of its parameters, shared by gradients and optimiser moments. */
export interface AdapterLayout {
  readonly config: LoraConfig
  readonly scaling: number
  readonly slots: readonly AdapterSlot[]
  /** Elements of a flat tensor; gaps between matrices stay zero. */
  readonly size: number
}

/** Elements every matrix starts at a multiple of, so that it can be bound by itself. */
const ALIGNMENT = 64

/** Lays out an adapter. @throws {AdapterError} when `target_modules` matches no linear layer of the decoder. */
export function adapterLayout(model: ModelConfig, config: LoraConfig): AdapterLayout {
  const paths = linearModulePaths(model)
  const targets = new Set(matchTargetModules(config, paths))
  let size = 0
  const place = (shape: readonly [number, number]): AdapterSlot['loraA'] => {
    const offset = size
    size += Math.ceil((shape[0] * shape[1]) / ALIGNMENT) * ALIGNMENT
    return { offset, shape }
  }
  const slots: AdapterSlot[] = []
  paths.forEach((path, module) => {
    if (!targets.has(path)) return
    const name = LINEAR_NAMES[module % LINEAR_NAMES.length] as LinearName
    const [out, inp] = linearShape(model.decoder, name)
    const layer = Math.floor(module / LINEAR_NAMES.length)
    slots.push({ path, module, layer, name, loraA: place([config.r, inp]), loraB: place([out, config.r]) })
  })
  return { config, scaling: loraScaling(config), slots, size }
}

/** A flat tensor seen as the matrices of every adapted layer. */
export class AdapterTensors {
  readonly layout: AdapterLayout
  readonly flat: Tensor // (layout.size)
  readonly #matrices = new Map<string, LoraMatrices<Tensor>>()

  constructor(gpu: Gpu, layout: AdapterLayout, label: string) {
    this.layout = layout
    this.flat = gpu.tensor([layout.size], label)
    gpu.stream.clear(this.flat)
    for (const slot of layout.slots) {
      const view = ({ offset, shape }: AdapterSlot['loraA']): Tensor =>
        new Tensor(this.flat.buffer, shape, 'f32', 4 * offset)
      this.#matrices.set(keyOf(slot.layer, slot.name), { loraA: view(slot.loraA), loraB: view(slot.loraB) })
    }
  }

  /** The matrices of one linear layer, or undefined where there is no adapter. */
  of(layer: number, name: LinearName): LoraMatrices<Tensor> | undefined {
    return this.#matrices.get(keyOf(layer, name))
  }
}

/**
 * An adapter's first parameters, as PEFT initialises them, drawn by a counter-based generator from the seed.
 * @returns flat parameters (layout.size).
 */
export function initialAdapter(layout: AdapterLayout, seed: number): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size)
  const { init_lora_weights: init, r } = layout.config
  for (const { module, loraA, loraB } of layout.slots) {
    const inputs = loraA.shape[1]
    if (init === 'gaussian') fill(flat, loraA, (words) => gaussianOf(words) / r, [seed, 2 * module])
    else fill(flat, loraA, (words) => (2 * uniformOf(words[0]) - 1) / Math.sqrt(inputs), [seed, 2 * module])
    if (init === false)
      fill(flat, loraB, (words) => (2 * uniformOf(words[0]) - 1) / Math.sqrt(r), [seed, 2 * module + 1])
  }
  return flat
}

/**
 * An adapter's parameters from f32 matrices by module path, as read from PEFT's file.
 * @throws {AdapterError} when a layer is missing, has another shape, or is none of the layout's.
 */
export function packAdapter(
  layout: AdapterLayout,
  layers: ReadonlyMap<string, LoraMatrices<Float32Array>>,
): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size)
  const paths = new Set(layout.slots.map(({ path }) => path))
  for (const path of layers.keys()) {
    if (!paths.has(path))
      throw new AdapterError(
        `${path}: the adapter has weights for a layer its target_modules do not name, or this model lacks`,
      )
  }
  for (const { path, ...slot } of layout.slots) {
    const matrices = layers.get(path)
    if (!matrices) throw new AdapterError(`${path}: expected lora_A and lora_B in the adapter, found none`)
    for (const name of ['loraA', 'loraB'] as const) {
      const { offset, shape } = slot[name]
      if (matrices[name].length !== shape[0] * shape[1]) {
        throw new AdapterError(
          `${path}: expected ${name} (${shape.join(', ')}), got ${matrices[name].length} elements`,
        )
      }
      flat.set(matrices[name], offset)
    }
  }
  return flat
}

/** The matrices in flat parameters, by module path, ready for `writeAdapter`. */
export function unpackAdapter(
  layout: AdapterLayout,
  flat: Float32Array,
): Map<string, LoraMatrices<Float32Array>> {
  const read = ({ offset, shape }: AdapterSlot['loraA']): Float32Array =>
    flat.slice(offset, offset + shape[0] * shape[1])
  return new Map(
    layout.slots.map(({ path, loraA, loraB }) => [path, { loraA: read(loraA), loraB: read(loraB) }]),
  )
}

function keyOf(layer: number, name: LinearName): string {
  return `${layer}.${LINEAR_PATHS[name]}`
}

function fill(
  flat: Float32Array,
  { offset, shape }: AdapterSlot['loraA'],
  draw: (words: [number, number, number, number]) => number,
  key: readonly [number, number],
): void {
  for (let i = 0; i < shape[0] * shape[1]; i++) flat[offset + i] = draw(philox4x32([i, 0, 0, 0], key))
}

/** A standard normal number from two words, by Box and Muller. */
function gaussianOf(words: readonly [number, number, number, number]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformOf(words[0])))
  return radius * Math.cos(2 * Math.PI * uniformOf(words[1]))
}
