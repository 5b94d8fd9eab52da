import { numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createAdamW, gradNormScratchShape } from '../../src/kernels/adamw.ts'
import { adamWStep, adamWTwin } from '../../test/reference/adamw.ts'
import { relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import type { Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

const STEP = 'adamw.step'
const LR = 1e-3
const T = 10
const MAX_NORM = 1
const [BETA1, BETA2, EPS, DECAY] = [0.9, 0.999, 1e-8, 0.01]

type In = 'param' | 'grad' | 'expAvg' | 'expAvgSq'
type Out = 'newParam' | 'newAvg' | 'newAvgSq'

/** Global norm, clipping and one update of one tensor. */
function step(size: number): Problem<In, Out> {
  const random = new Random(size)
  const param = random.normals(size)
  const grad = random.normals(size)
  const expAvg = random.normals(size, 1e-4)
  const expAvgSq = random.normals(size, 1e-4).map((v) => v * v)
  const shape = [size]
  return {
    name: STEP,
    shape: `${size} parameters`,
    inputs: {
      param: { data: param, shape },
      grad: { data: grad, shape },
      expAvg: { data: expAvg, shape },
      expAvgSq: { data: expAvgSq, shape },
    },
    outputs: { newParam: shape, newAvg: shape, newAvgSq: shape },
    // The gradient is read twice: for the norm and for the update.
    cost: { flops: 16 * size, bytes: 4 * 8 * size },
    tolerance: 1e-4,
    error({ newParam, newAvg, newAvgSq }) {
      const twin = adamWTwin([param])
      twin.expAvg[0]?.set(expAvg)
      twin.expAvgSq[0]?.set(expAvgSq)
      adamWStep(twin, [grad], LR, T, MAX_NORM)
      return Math.max(
        relativeError(newParam, twin.params[0] ?? []),
        relativeError(newAvg, twin.expAvg[0] ?? []),
        relativeError(newAvgSq, twin.expAvgSq[0] ?? []),
      )
    },
    entries: [
      ownEntry(
        'adamw.gradNorm, step (in place)',
        async (gpu, { param, grad, expAvg, expAvgSq, newParam, newAvg, newAvgSq }, workspace) => {
          const adamw = await createAdamW(gpu)
          const partials = workspace.zeros(gradNormScratchShape([grad]), 'partials')
          const norm = workspace.zeros([3], 'norm')
          const state = { param: newParam, grad, expAvg: newAvg, expAvgSq: newAvgSq }
          return {
            reset() {
              gpu.stream.copy(param, newParam)
              gpu.stream.copy(expAvg, newAvg)
              gpu.stream.copy(expAvgSq, newAvgSq)
            },
            run() {
              adamw.gradNorm({ grads: [grad], partials, norm, maxNorm: MAX_NORM })
              adamw.step({ ...state, norm, lr: LR, t: T })
            },
          }
        },
      ),
      jaxEntry('composition, jit', ({ param, grad, expAvg, expAvgSq }) => {
        const norm = np.sqrt(np.sum(np.square(grad.ref)))
        const clipped = grad.mul(np.minimum(1, np.reciprocal(norm.add(1e-6)).mul(MAX_NORM)))
        const newAvg = expAvg.mul(BETA1).add(clipped.ref.mul(1 - BETA1))
        const newAvgSq = expAvgSq.mul(BETA2).add(np.square(clipped).mul(1 - BETA2))
        const root = np.sqrt(newAvgSq.ref.div(1 - BETA2 ** T)).add(EPS)
        const update = newAvg.ref.div(1 - BETA1 ** T).div(root)
        return { newParam: param.mul(1 - LR * DECAY).sub(update.mul(LR)), newAvg, newAvgSq }
      }),
      tfjsEntry('composition', ({ param, grad, expAvg, expAvgSq }) => {
        const norm = tf.sqrt(tf.sum(tf.square(grad)))
        const clipped = tf.mul(grad, tf.minimum(1, tf.div(MAX_NORM, tf.add(norm, 1e-6))))
        const newAvg = tf.add(tf.mul(expAvg, BETA1), tf.mul(clipped, 1 - BETA1))
        const newAvgSq = tf.add(tf.mul(expAvgSq, BETA2), tf.mul(tf.square(clipped), 1 - BETA2))
        const root = tf.add(tf.sqrt(tf.div(newAvgSq, 1 - BETA2 ** T)), EPS)
        const update = tf.div(tf.div(newAvg, 1 - BETA1 ** T), root)
        return { newParam: tf.sub(tf.mul(param, 1 - LR * DECAY), tf.mul(update, LR)), newAvg, newAvgSq }
      }),
    ],
  }
}

export function adamWPlans({ small }: PlanOptions): Plan[] {
  return [{ name: STEP, build: () => step(small ? 2 ** 18 : 2 ** 21) }]
}
