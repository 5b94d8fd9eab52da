import type { Tensor } from '../../gpu/tensor.ts'
import { attentionScratchShape } from '../../kernels/attention.ts'
import type { DecoderConfig } from '../config.ts'
import type { AdapterTensors } from './adapter.ts'
import type { AttentionTables, KeyValueCache, WantedRows } from './attention-tables.ts'
import { HeadRotation } from './head-rotation.ts'
import type { DecoderKernels } from './kernels.ts'
import { type ActiveAdapter, LinearRunner } from './linear.ts'
import type { LinearName } from './tensor-names.ts'
import type { LayerWeights } from './weights.ts'
import type { Workspace } from './workspace.ts'

/**
 * One pre-norm decoder layer, forward and backward:
 *   middle = x + o(attention(rope(q(n)), rope(k(n)), v(n))),  n = rmsnorm(x)
 *   y = middle + down(silu(gate(m)) * up(m)),                 m = rmsnorm(middle)
 */
export class LayerRunner {
  readonly #config: DecoderConfig
  readonly #kernels: DecoderKernels
  readonly #workspace: Workspace
  readonly #linear: LinearRunner
  readonly #rotation: HeadRotation

  constructor(config: DecoderConfig, kernels: DecoderKernels, workspace: Workspace) {
    this.#config = config
    this.#kernels = kernels
    this.#workspace = workspace
    this.#linear = new LinearRunner(kernels, workspace)
    this.#rotation = new HeadRotation(config, kernels, workspace)
  }

  /**
   * Computes `y`, if given, and keeps under `slot` what the backward pass needs.
   * @param slot names the kept activations: the layer's own where all are kept, one for all where they are computed again.
   */
  forward(
    layer: number,
    weights: LayerWeights,
    tables: AttentionTables,
    adapter: ActiveAdapter | undefined,
    {
      x,
      y,
      slot,
      cache,
      wanted,
    }: {
      x: Tensor // (T, hiddenSize)
      /** Left out where the layer is computed again for its backward pass alone. */
      y?: Tensor // (T, hiddenSize), or (R, hiddenSize) of the rows wanted, assigned
      slot: string
      cache?: KeyValueCache | undefined
      /** Fills the cache from all rows and computes the others' results no further; the workspace then holds R rows. */
      wanted?: WantedRows | undefined
    },
  ): void {
    const { rmsnorm, swiglu, elementwise, rows } = this.#kernels
    let kept = this.#kept(slot)
    const linear = (name: LinearName, input: Tensor, output: Tensor): void =>
      this.#linear.forward({ layer, name, slot }, weights.linear[name], adapter, input, output)

    rmsnorm.forward({
      x,
      weight: weights.inputNorm,
      y: kept.normed,
      rstd: kept.rstd,
      eps: this.#config.rmsNormEps,
    })
    linear('k', kept.normed, kept.kLinear)
    linear('v', kept.normed, kept.v)
    this.#rotation.forward({ x: kept.kLinear, norm: weights.kNorm, rstd: kept.kRstd, y: kept.k }, tables)
    if (cache) {
      rows.scatter({ x: kept.k, index: cache.index, y: cache.k })
      rows.scatter({ x: kept.v, index: cache.index, y: cache.v })
    }
    const { k, v } = cache ?? kept
    let input = { x, normed: kept.normed, tables }
    if (wanted) {
      input = this.#gather(wanted, input)
      kept = this.#kept(slot)
    }
    linear('q', input.normed, kept.qLinear)
    this.#rotation.forward(
      { x: kept.qLinear, norm: weights.qNorm, rstd: kept.qRstd, y: kept.q },
      input.tables,
    )
    this.#attend(kept, { k, v }, input.tables, wanted !== undefined || cache?.standAlone === true)
    const branch = this.#hidden('branch')
    linear('o', kept.attended, branch)
    elementwise.add({ a: input.x, b: branch, y: kept.middle })

    rmsnorm.forward({
      x: kept.middle,
      weight: weights.postNorm,
      y: kept.postNormed,
      rstd: kept.postRstd,
      eps: this.#config.rmsNormEps,
    })
    linear('gate', kept.postNormed, kept.gate)
    linear('up', kept.postNormed, kept.up)
    swiglu.forward({ gate: kept.gate, up: kept.up, y: kept.activated })
    if (!y) {
      this.#linear.keepOnly({ layer, name: 'down', slot }, adapter, kept.activated)
      return
    }
    linear('down', kept.activated, branch)
    elementwise.add({ a: kept.middle, b: branch, y })
  }

  /**
   * Turns the gradient of the layer's output into that of its input, in place, and adds the adapter's gradients.
   * @param toInput false for the first layer, before which nothing learns: dx is then left undefined.
   */
  backward(
    layer: number,
    weights: LayerWeights,
    tables: AttentionTables,
    adapter: ActiveAdapter,
    grads: AdapterTensors,
    {
      x,
      dx,
      slot,
      toInput,
    }: {
      x: Tensor // (T, hiddenSize)
      dx: Tensor // (T, hiddenSize), the residual stream's gradient, updated
      slot: string
      toInput: boolean
    },
  ): void {
    const { rmsnorm, attention, swiglu, elementwise } = this.#kernels
    const kept = this.#kept(slot)
    const { intermediateSize: inner, numHeads } = this.#config
    const linear = (
      name: LinearName,
      input: Tensor,
      dout: Tensor,
      dinp: Tensor | undefined,
      accumulate = false,
    ): void =>
      this.#linear.backward({ layer, name, slot }, weights.linear[name], adapter, grads, {
        x: input,
        dout,
        dinp,
        accumulate,
      })
    const dnormed = this.#hidden('dnormed')
    const dbranch = this.#hidden('branch')

    const dactivated = this.#tokens('dactivated', inner)
    const [dgate, dup] = [this.#tokens('dgate', inner), this.#tokens('dup', inner)]
    linear('down', kept.activated, dx, dactivated)
    swiglu.backward({ gate: kept.gate, up: kept.up, dout: dactivated, dgate, dup })
    linear('gate', kept.postNormed, dgate, dnormed)
    linear('up', kept.postNormed, dup, dnormed, true)
    rmsnorm.backward({
      x: kept.middle,
      weight: weights.postNorm,
      rstd: kept.postRstd,
      dout: dnormed,
      dinp: dbranch,
    })
    elementwise.accumulate({ a: dbranch, y: dx })

    const dattended = this.#tokens('dattended', this.#queryCols)
    const [dq, dk] = [this.#tokens('dq', this.#queryCols), this.#tokens('dk', this.#keyCols)]
    const dv = this.#tokens('dv', this.#keyCols)
    linear('o', kept.attended, dx, dattended)
    const { ranges, queryRanges, pairs } = tables
    attention.backward({
      q: kept.q,
      k: kept.k,
      v: kept.v,
      ranges,
      queryRanges,
      pairs,
      out: kept.attended,
      lse: kept.lse,
      dout: dattended,
      rows: this.#workspace.view('attention.rows', ({ tokens }) => attentionScratchShape(tokens, numHeads)),
      dq,
      dk,
      dv,
    })
    // Attention's backward pass is the last to read its output's gradient, which is as large as q's.
    const [dqLinear, dkLinear] = [dattended, this.#tokens('dkLinear', this.#keyCols)]
    const rotation = this.#rotation
    rotation.backward(
      { x: kept.qLinear, norm: weights.qNorm, rstd: kept.qRstd, dout: dq, dinp: dqLinear },
      tables,
    )
    rotation.backward(
      { x: kept.kLinear, norm: weights.kNorm, rstd: kept.kRstd, dout: dk, dinp: dkLinear },
      tables,
    )
    const dinput = toInput ? dnormed : undefined
    linear('q', kept.normed, dqLinear, dinput)
    linear('k', kept.normed, dkLinear, dinput, true)
    linear('v', kept.normed, dv, dinput, true)
    if (!toInput) return
    rmsnorm.backward({ x, weight: weights.inputNorm, rstd: kept.rstd, dout: dnormed, dinp: dbranch })
    elementwise.accumulate({ a: dbranch, y: dx })
  }

  /** Takes the rows that are wanted, and has the workspace go on with them alone. */
  #gather(
    { index, tables }: WantedRows,
    { x, normed }: { x: Tensor; normed: Tensor },
  ): { x: Tensor; normed: Tensor; tables: AttentionTables } {
    const [count = 0] = index.shape
    const { hiddenSize } = this.#config
    const gathered = { x, normed }
    for (const name of ['x', 'normed'] as const) {
      const whole = this.#workspace.view(`wanted.${name}`, (r) => [r.answers, hiddenSize])
      const y = whole.prefix([count, hiddenSize])
      this.#kernels.rows.gather({ x: gathered[name], index, y })
      gathered[name] = y
    }
    this.#workspace.begin({ ...this.#workspace.rows, tokens: count })
    return { ...gathered, tables }
  }

  #attend(
    { q, attended: out, lse }: { q: Tensor; attended: Tensor; lse: Tensor },
    { k, v }: { k: Tensor; v: Tensor },
    { ranges, pairs }: AttentionTables,
    standAlone: boolean,
  ): void {
    const { attention, decodeAttention } = this.#kernels
    if (standAlone) decodeAttention.forward({ q, k, v, ranges, out, pairs })
    else attention.forward({ q, k, v, ranges, out, lse, pairs })
  }

  get #queryCols(): number {
    return this.#config.numHeads * this.#config.headDim
  }

  get #keyCols(): number {
    return this.#config.numKvHeads * this.#config.headDim
  }

  #tokens(name: string, cols: number): Tensor {
    return this.#workspace.view(name, ({ tokens }) => [tokens, cols])
  }

  #hidden(name: string): Tensor {
    return this.#tokens(name, this.#config.hiddenSize)
  }

  #kept(slot: string) {
    const { hiddenSize, intermediateSize, numHeads, numKvHeads, qkNorm } = this.#config
    const kept = (name: string, cols: number): Tensor => this.#tokens(`${slot}.${name}`, cols)
    const perRow = (name: string, heads = 1): Tensor =>
      this.#workspace.view(`${slot}.${name}`, ({ tokens }) => [tokens * heads])
    const perHead = (name: string, heads: number) => (qkNorm ? perRow(name, heads) : undefined)
    // What comes before RoPE is needed again only by the norm over heads.
    const linearSlot = qkNorm ? slot : 'linear'
    return {
      normed: kept('normed', hiddenSize), // (T, hiddenSize)
      rstd: perRow('rstd'), // (T)
      qLinear: this.#tokens(`${linearSlot}.q`, this.#queryCols), // (T, numHeads * headDim)
      kLinear: this.#tokens(`${linearSlot}.k`, this.#keyCols), // (T, numKvHeads * headDim)
      qRstd: perHead('qRstd', numHeads), // (T * numHeads)
      kRstd: perHead('kRstd', numKvHeads), // (T * numKvHeads)
      q: kept('qRotated', this.#queryCols), // (T, numHeads * headDim)
      k: kept('kRotated', this.#keyCols), // (T, numKvHeads * headDim)
      v: kept('v', this.#keyCols), // (T, numKvHeads * headDim)
      attended: kept('attended', this.#queryCols), // (T, numHeads * headDim)
      lse: this.#workspace.view(`${slot}.lse`, ({ tokens }) => [tokens, numHeads]),
      middle: kept('middle', hiddenSize), // (T, hiddenSize)
      postNormed: kept('postNormed', hiddenSize), // (T, hiddenSize)
      postRstd: perRow('postRstd'), // (T)
      gate: kept('gate', intermediateSize), // (T, intermediateSize)
      up: kept('up', intermediateSize), // (T, intermediateSize)
      activated: kept('activated', intermediateSize), // (T, intermediateSize)
    }
  }
}
