import type { AdamWSettings } from '../../src/kernels/adamw.ts'
import { at } from '../support/numeric.ts'

/** AdamW's state in float64: several tensors, trained together. */
export interface AdamWTwin {
  params: Float64Array[]
  expAvg: Float64Array[]
  expAvgSq: Float64Array[]
}

export function adamWTwin(initial: readonly ArrayLike<number>[]): AdamWTwin {
  return {
    params: initial.map((values) => Float64Array.from(values)),
    expAvg: initial.map((values) => new Float64Array(values.length)),
    expAvgSq: initial.map((values) => new Float64Array(values.length)),
  }
}

/** Global L2 norm before clipping, and the factor `clip_grad_norm_` applies; `maxNorm` 0 clips nothing. */
export function clipFactor(
  grads: readonly ArrayLike<number>[],
  maxNorm: number,
): { norm: number; factor: number } {
  let squares = 0
  for (const grad of grads) for (let i = 0; i < grad.length; i++) squares += at(grad, i) ** 2
  const norm = Math.sqrt(squares)
  return { norm, factor: maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1 }
}

/** Step `t` (from 1) of AdamW with clipped gradients; see `src/kernels/adamw.ts`. Updates `twin`. */
export function adamWStep(
  twin: AdamWTwin,
  grads: readonly ArrayLike<number>[],
  lr: number,
  t: number,
  maxNorm: number,
  { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01 }: AdamWSettings = {},
): void {
  const { factor } = clipFactor(grads, maxNorm)
  twin.params.forEach((param, k) => {
    const [grad, expAvg, expAvgSq] = [grads[k], twin.expAvg[k], twin.expAvgSq[k]]
    if (!grad || !expAvg || !expAvgSq) throw new RangeError(`tensor ${k}: gradient or moments missing`)
    for (let i = 0; i < param.length; i++) {
      const g = factor * at(grad, i)
      const m = beta1 * at(expAvg, i) + (1 - beta1) * g
      const v = beta2 * at(expAvgSq, i) + (1 - beta2) * g * g
      expAvg[i] = m
      expAvgSq[i] = v
      const update = m / (1 - beta1 ** t) / (Math.sqrt(v / (1 - beta2 ** t)) + eps)
      param[i] = at(param, i) * (1 - lr * weightDecay) - lr * update
    }
  })
}
