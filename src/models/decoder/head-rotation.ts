import type { Tensor } from '../../gpu/tensor.ts'
import type { DecoderConfig } from '../config.ts'
import type { AttentionTables } from './attention-tables.ts'
import type { DecoderKernels } from './kernels.ts'
import type { Workspace } from './workspace.ts'

/** Queries or keys before attention, and what the family does to each of their heads. */
interface Heads {
  readonly x: Tensor // (T, heads * headDim), as the linear layer gives them
  /** Weight of the norm over a head, where the family has one. */
  readonly norm: Tensor | undefined // (headDim)
  /** Kept for the backward pass of that norm. */
  readonly rstd: Tensor | undefined // (T * heads)
}

/** What comes between the linear layers of q and k and attention: a norm over each head where the family has it, then RoPE. */
export class HeadRotation {
  readonly #config: DecoderConfig
  readonly #kernels: DecoderKernels
  readonly #workspace: Workspace

  constructor(config: DecoderConfig, kernels: DecoderKernels, workspace: Workspace) {
    this.#config = config
    this.#kernels = kernels
    this.#workspace = workspace
  }

  forward(
    { x, norm, rstd, y }: Heads & { readonly y: Tensor }, // y (T, heads * headDim), assigned
    { ropeTable: table, positions }: Pick<AttentionTables, 'ropeTable' | 'positions'>,
  ): void {
    const { rmsnorm, rope } = this.#kernels
    if (!norm || !rstd) {
      rope.forward({ x, table, positions, y })
      return
    }
    const normed = this.#scratch('head.normed').prefix(x.shape)
    const eps = this.#config.rmsNormEps
    rmsnorm.forward({ x: this.#perHead(x), weight: norm, y: this.#perHead(normed), rstd, eps })
    rope.forward({ x: normed, table, positions, y })
  }

  backward(
    // (T, heads * headDim) both, dinp assigned
    { x, norm, rstd, dout, dinp }: Heads & { readonly dout: Tensor; readonly dinp: Tensor },
    { ropeTable: table, positions }: Pick<AttentionTables, 'ropeTable' | 'positions'>,
  ): void {
    const { rmsnorm, rope } = this.#kernels
    if (!norm || !rstd) {
      rope.backward({ dout, table, positions, dinp })
      return
    }
    const dnormed = this.#scratch('head.dnormed').prefix(dout.shape)
    rope.backward({ dout, table, positions, dinp: dnormed })
    rmsnorm.backward({
      x: this.#perHead(x),
      weight: norm,
      rstd,
      dout: this.#perHead(dnormed),
      dinp: this.#perHead(dinp),
    })
  }

  /** Room for all heads of q, which k has no more of. */
  #scratch(name: string): Tensor {
    const { numHeads, headDim } = this.#config
    return this.#workspace.view(name, ({ tokens }) => [tokens, numHeads * headDim])
  }

  #perHead(x: Tensor): Tensor {
    const { headDim } = this.#config
    return x.reshape([x.size / headDim, headDim])
  }
}
