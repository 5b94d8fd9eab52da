import type { Tensor } from '../../gpu/tensor.ts'
import { type LoraDropout, loraPartialShape, loraThinShape } from '../../kernels/lora.calls.ts'
import type { AdapterTensors } from './adapter.ts'
import type { DecoderKernels } from './kernels.ts'
import { LINEAR_NAMES, type LinearName } from './tensor-names.ts'
import type { Linear } from './weights.ts'
import type { Workspace } from './workspace.ts'

/** An adapter switched on for one pass. */
export interface ActiveAdapter {
  readonly params: AdapterTensors
  /** Factor on the adapter's effect: 0 is the base model, 1 the adapter as trained. Default 1. */
  readonly strength?: number
  /** Dropout on the adapter's inputs; while training only. */
  readonly dropout?: Pick<LoraDropout, 'rate' | 'seed' | 'batch'> | undefined
}

/** Which linear layer of the decoder a call is for. */
export interface LinearPlace {
  readonly layer: number
  readonly name: LinearName
  /** Where the pass keeps its activations; see `LayerRunner.forward`. */
  readonly slot: string
}

/** Runs frozen linear layers with whatever adapter lies on them. */
export class LinearRunner {
  readonly #kernels: DecoderKernels
  readonly #workspace: Workspace

  constructor(kernels: DecoderKernels, workspace: Workspace) {
    this.#kernels = kernels
    this.#workspace = workspace
  }

  /** `y = x W^T + b`, plus the adapter's part. */
  forward(
    place: LinearPlace,
    linear: Linear,
    adapter: ActiveAdapter | undefined,
    x: Tensor, // (T, in)
    y: Tensor, // (T, out), assigned
  ): void {
    const { matmul, lora } = this.#kernels
    matmul.forward({ x, weight: linear.weight, y, ...(linear.bias ? { bias: linear.bias } : {}) })
    const active = activeOn(place, adapter)
    if (!active) return
    const { matrices, scaling, dropout } = active
    const xa = this.#thin(place, 'xa', matrices.loraA)
    lora.down({ x, loraA: matrices.loraA, xa, dropout })
    lora.up({ xa, loraB: matrices.loraB, y, scaling })
  }

  /** What `forward` leaves for `backward` at the same place, without the layer's output. */
  keepOnly(place: LinearPlace, adapter: ActiveAdapter | undefined, x: Tensor): void {
    const active = activeOn(place, adapter)
    if (!active) return
    const { loraA } = active.matrices
    this.#kernels.lora.down({ x, loraA, xa: this.#thin(place, 'xa', loraA), dropout: active.dropout })
  }

  /**
   * Gradient to the input, added to `dinp` where `accumulate` says so, and to the adapter's matrices.
   * Needs the `xa` that `forward` left for the same place.
   */
  backward(
    place: LinearPlace,
    linear: Linear,
    adapter: ActiveAdapter | undefined,
    grads: AdapterTensors,
    {
      x,
      dout,
      dinp,
      accumulate,
    }: {
      x: Tensor // (T, in)
      dout: Tensor // (T, out)
      /** Left out where nothing before this layer learns. */
      dinp?: Tensor | undefined // (T, in)
      accumulate: boolean
    },
  ): void {
    const { matmul, lora } = this.#kernels
    if (dinp) matmul.backwardInput({ dout, weight: linear.weight, dinp, accumulate })
    const active = activeOn(place, adapter)
    const gradient = grads.of(place.layer, place.name)
    if (!active || !gradient) return
    const { matrices, scaling, dropout } = active
    const { loraA, loraB } = matrices
    const xa = this.#thin(place, 'xa', loraA)
    const dxa = this.#thin(place, 'dxa', loraA)
    lora.backwardXa({ dout, loraB, dxa, scaling })
    lora.backwardB({ dout, xa, dloraB: gradient.loraB, partial: this.#partial(dout, loraA), scaling })
    lora.backwardA({ x, dxa, dloraA: gradient.loraA, partial: this.#partial(x, loraA), dropout })
    if (dinp) lora.backwardX({ dxa, loraA, dx: dinp, dropout })
  }

  /** `xa` is kept for each place until its backward pass; `dxa` is used at once and shared. */
  #thin(place: LinearPlace, what: 'xa' | 'dxa', loraA: Tensor): Tensor {
    const rank = loraA.shape[0] as number
    const name = what === 'xa' ? `${place.slot}.${place.name}.xa` : 'dxa'
    return this.#workspace.view(name, ({ tokens }) => loraThinShape(tokens, rank))
  }

  #partial(wide: Tensor, loraA: Tensor): Tensor {
    const rank = loraA.shape[0] as number
    const cols = wide.shape[1] as number
    return this.#workspace.view(`lora.partial.${cols}`, ({ tokens }) => loraPartialShape(tokens, rank, cols))
  }
}

function activeOn({ layer, name }: LinearPlace, adapter: ActiveAdapter | undefined) {
  const matrices = adapter?.params.of(layer, name)
  const strength = adapter?.strength ?? 1
  if (!adapter || !matrices || strength === 0) return undefined
  const { layout } = adapter.params
  const module = layer * LINEAR_NAMES.length + LINEAR_NAMES.indexOf(name)
  const dropout = adapter.dropout && adapter.dropout.rate > 0 ? { ...adapter.dropout, module } : undefined
  return { matrices, scaling: strength * layout.scaling, dropout }
}
