import { numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createRmsNorm } from '../../src/kernels/rmsnorm.ts'
import { rmsNormForward } from '../../test/reference/rmsnorm.ts'
import { relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import type { Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'
import type { Plan } from './index.ts'

type Sizes = readonly [rows: number, cols: number]

const SMALL: readonly Sizes[] = [[256, 576]]
const FULL: readonly Sizes[] = [
  [256, 576],
  [1024, 1024],
]
const EPS = 1e-5
const RMSNORM = 'rmsnorm.forward'

function rmsNorm([rows, cols]: Sizes): Problem<'x' | 'weight', 'y'> {
  const random = new Random(rows + cols)
  const x = random.normals(rows * cols, 2)
  const weight = random.normals(cols)
  return {
    name: RMSNORM,
    shape: `${rows}x${cols}`,
    inputs: { x: { data: x, shape: [rows, cols] }, weight: { data: weight, shape: [cols] } },
    outputs: { y: [rows, cols] },
    cost: { flops: 4 * rows * cols, bytes: 8 * rows * cols },
    tolerance: 1e-5,
    error: ({ y }) => relativeError(y, rmsNormForward(x, weight, EPS).y),
    entries: [
      ownEntry('rmsnorm.forward', async (gpu, { x, weight, y }, make) => {
        const kernel = await createRmsNorm(gpu)
        const rstd = make([rows], 'rstd')
        return () => kernel.forward({ x, weight, y, rstd, eps: EPS })
      }),
      jaxEntry('composition, jit', ({ x, weight }) => {
        const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true })
        return { y: x.div(np.sqrt(meanSquare.add(EPS))).mul(weight) }
      }),
      tfjsEntry('composition: square, mean, rsqrt, mul', ({ x, weight }) => {
        const meanSquare = tf.mean(tf.square(x), -1, true)
        return { y: tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, EPS))), weight) }
      }),
      ortEntry('SimplifiedLayerNormalization', {
        nodes: [
          {
            op: 'SimplifiedLayerNormalization',
            inputs: ['x', 'weight'],
            outputs: ['y'],
            attributes: { axis: -1, epsilon: { float: EPS } },
          },
        ],
      }),
    ],
  }
}

export function normPlans(small: boolean): Plan[] {
  return (small ? SMALL : FULL).map((sizes) => ({ name: RMSNORM, build: () => rmsNorm(sizes) }))
}
