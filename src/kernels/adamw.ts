import source from '../../shaders/adamw.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'

/** Elements a workgroup takes; the same numbers stand in the shader. */
const NORM_SPAN = 4096
const STEP_SPAN = 1024

/** Settings of AdamW under torch's names and with torch's defaults, but for the learning rate, which each step brings. */
export interface AdamWSettings {
  /** Default 0.9. */
  beta1?: number
  /** Default 0.999. */
  beta2?: number
  /** Default 1e-8. */
  eps?: number
  /** Share of a parameter taken off per step and unit of learning rate. Default 0.01 (as torch; TRL's trainers use 0). */
  weightDecay?: number
}

/** One trained tensor with its gradient and AdamW's two moments, all of one shape; moments start at zero. */
export interface AdamWState {
  param: Tensor // (...), updated
  grad: Tensor // (...)
  expAvg: Tensor // (...), updated
  expAvgSq: Tensor // (...), updated
}

/** AdamW with clipping by the global norm, as `torch.optim.AdamW` and `clip_grad_norm_` (arXiv 1711.05101). */
export interface AdamW {
  /**
   * L2 norm of all gradients together and the factor that clips it, which `step` applies without a readback.
   * A gradient with NaN or infinity in it (or a norm beyond f32) sets the third element and the factor 0.
   * @param args.maxNorm largest norm let through: factor min(1, maxNorm / (norm + 1e-6)); 0 clips nothing.
   */
  gradNorm(args: {
    grads: readonly Tensor[] // each (...)
    partials: Tensor // gradNormScratchShape(grads), or longer
    norm: Tensor // (3) = norm before clipping, factor, 1 if not finite else 0; assigned
    maxNorm: number
  }): void
  /** One update of one tensor; leaves it and its moments as they are while the norm is not finite. */
  step(
    args: AdamWState & {
      norm: Tensor // (3), from gradNorm
      /** Learning rate of this step. */
      lr: number
      /** Number of this step, counted from 1. */
      t: number
      settings?: AdamWSettings
    },
  ): void
  /** Sets gradients to zero, for the next step to accumulate into. */
  zero(grads: readonly Tensor[]): void
}

/** Shape of the scratch tensor `AdamW.gradNorm` needs for gradients of these sizes. */
export function gradNormScratchShape(grads: readonly { size: number }[]): readonly number[] {
  return [grads.reduce((groups, { size }) => groups + Math.ceil(size / NORM_SPAN), 0), 2]
}

const UNUSED = {
  size: 0,
  first_partial: 0,
  max_norm: 0,
  decay: 0,
  one_minus_beta1: 0,
  beta2: 0,
  one_minus_beta2: 0,
  step_size: 0,
  inverse_sqrt_correction2: 0,
  eps: 0,
}

/** Compiles the optimiser. @throws {KernelError} when a shader does not compile. */
export async function createAdamW(gpu: Gpu): Promise<AdamW> {
  const compile = (entryPoint: string, label: string) =>
    gpu.kernel({ label, shader: { path: 'shaders/adamw.wgsl', source }, entryPoint })
  const [squareSums, reduceNorm, step] = await Promise.all([
    compile('square_sums', 'adamw.squareSums'),
    compile('reduce_norm', 'adamw.reduceNorm'),
    compile('step', 'adamw.step'),
  ])
  return {
    gradNorm({ grads, partials, norm, maxNorm }) {
      const [groups] = gradNormScratchShape(grads) as [number]
      if (groups === 0) throw new ShapeError(`${squareSums.label}: expected gradients, got none`)
      if (partials.shape.length !== 2 || partials.shape[1] !== 2 || partials.size < 2 * groups) {
        throw new ShapeError(
          `${squareSums.label}: expected partials (at least ${groups}, 2), got (${partials.shape.join(', ')})`,
        )
      }
      expectShape(reduceNorm.label, 'norm', norm, [3])
      if (!(maxNorm >= 0))
        throw new ShapeError(`${reduceNorm.label}: expected maxNorm 0 or above, got ${maxNorm}`)
      let first = 0
      for (const grad of grads) {
        if (grad.size === 0) continue
        expectShape(squareSums.label, 'grad', grad, grad.shape)
        const count = Math.ceil(grad.size / NORM_SPAN)
        squareSums.dispatch(
          { grad, partials },
          { ...UNUSED, size: grad.size, first_partial: first },
          [count, 1, 1],
          { flops: 2 * grad.size, bytes: grad.byteLength },
        )
        first += count
      }
      reduceNorm.dispatch(
        { all_partials: partials, norm },
        { ...UNUSED, size: groups, max_norm: Math.min(maxNorm, 3e38) },
        [1, 1, 1],
        { flops: 2 * groups, bytes: 8 * groups },
      )
    },
    step({ param, grad, expAvg, expAvgSq, norm, lr, t, settings = {} }) {
      const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01 } = settings
      for (const [name, tensor] of Object.entries({ param, grad, expAvg, expAvgSq }))
        expectShape(step.label, name, tensor, param.shape)
      expectShape(step.label, 'norm', norm, [3])
      if (!Number.isInteger(t) || t < 1)
        throw new ShapeError(`${step.label}: expected a step t of 1, 2, ..., got ${t}`)
      step.dispatch(
        { param, grad, exp_avg: expAvg, exp_avg_sq: expAvgSq, global_norm: norm },
        {
          ...UNUSED,
          size: param.size,
          decay: 1 - lr * weightDecay,
          one_minus_beta1: 1 - beta1,
          beta2,
          one_minus_beta2: 1 - beta2,
          step_size: lr / (1 - beta1 ** t),
          inverse_sqrt_correction2: 1 / Math.sqrt(1 - beta2 ** t),
          eps,
        },
        [Math.ceil(param.size / STEP_SPAN), 1, 1],
        { flops: 12 * param.size, bytes: 7 * param.byteLength },
      )
    },
    zero(grads) {
      for (const grad of grads) gpu.stream.clear(grad)
    },
  }
}
