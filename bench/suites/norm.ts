import { nn, numpy as np, vjp } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createLayerNorm } from '../../src/kernels/layernorm.ts'
import { createRmsNorm } from '../../src/kernels/rmsnorm.ts'
import { layerNormForward } from '../../test/reference/layernorm.ts'
import { rmsNormBackward, rmsNormForward } from '../../test/reference/rmsnorm.ts'
import { relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import type { Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

type Sizes = readonly [rows: number, cols: number]

const SMALL: readonly Sizes[] = [[256, 576]]
const FULL: readonly Sizes[] = [
  [256, 576],
  [1024, 1024],
]
const EPS = 1e-5

function rmsNormForwardProblem([rows, cols]: Sizes): Problem<'x' | 'weight', 'y'> {
  const random = new Random(rows + cols)
  const x = random.normals(rows * cols, 2)
  const weight = random.normals(cols)
  return {
    name: 'rmsnorm.forward',
    shape: `${rows}x${cols}`,
    inputs: { x: { data: x, shape: [rows, cols] }, weight: { data: weight, shape: [cols] } },
    outputs: { y: [rows, cols] },
    cost: { flops: 4 * rows * cols, bytes: 8 * rows * cols },
    tolerance: 1e-5,
    error: ({ y }) => relativeError(y, rmsNormForward(x, weight, EPS).y),
    entries: [
      ownEntry('rmsnorm.forward', async (gpu, { x, weight, y }, workspace) => {
        const kernel = await createRmsNorm(gpu)
        const rstd = workspace.zeros([rows], 'rstd')
        return { run: () => kernel.forward({ x, weight, y, rstd, eps: EPS }) }
      }),
      jaxEntry('composition, jit', ({ x, weight }) => ({ y: jaxRmsNorm(x, weight) })),
      tfjsEntry('composition: square, mean, rsqrt, mul', ({ x, weight }) => ({ y: tfjsRmsNorm(x, weight) })),
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

/** Forward and all gradients, because the peers' automatic differentiation does both at once. */
function rmsNormTrainingProblem([rows, cols]: Sizes): Problem<
  'x' | 'weight' | 'dout',
  'y' | 'dinp' | 'dweight'
> {
  const random = new Random(rows + cols)
  const x = random.normals(rows * cols, 2)
  const weight = random.normals(cols)
  const dout = random.normals(rows * cols)
  return {
    name: 'rmsnorm.training',
    shape: `${rows}x${cols}`,
    inputs: {
      x: { data: x, shape: [rows, cols] },
      weight: { data: weight, shape: [cols] },
      dout: { data: dout, shape: [rows, cols] },
    },
    outputs: { y: [rows, cols], dinp: [rows, cols], dweight: [cols] },
    cost: { flops: 14 * rows * cols, bytes: 16 * rows * cols },
    tolerance: 1e-5,
    error({ y, dinp, dweight }) {
      const expected = rmsNormBackward(x, weight, EPS, dout)
      return Math.max(
        relativeError(y, rmsNormForward(x, weight, EPS).y),
        relativeError(dinp, expected.dinp),
        relativeError(dweight, expected.dweight),
      )
    },
    entries: [
      ownEntry(
        'forward, backward, backwardWeight',
        async (gpu, { x, weight, dout, y, dinp, dweight }, workspace) => {
          const kernel = await createRmsNorm(gpu)
          const rstd = workspace.zeros([rows], 'rstd')
          return {
            run() {
              kernel.forward({ x, weight, y, rstd, eps: EPS })
              kernel.backward({ x, weight, rstd, dout, dinp })
              kernel.backwardWeight({ x, rstd, dout, dweight })
            },
          }
        },
      ),
      jaxEntry('vjp of the composition, jit', ({ x, weight, dout }) => {
        const [y, pullBack] = vjp(jaxRmsNorm, [x, weight])
        const [dinp, dweight] = pullBack(dout)
        pullBack.dispose()
        return { y, dinp, dweight }
      }),
      tfjsEntry('valueAndGrads of the composition', ({ x, weight, dout }) => {
        const { value, grads } = tf.valueAndGrads(tfjsRmsNorm)([x, weight], dout)
        const [dinp, dweight] = grads as [tf.Tensor, tf.Tensor]
        return { y: value, dinp, dweight }
      }),
    ],
  }
}

function layerNormForwardProblem([rows, cols]: Sizes): Problem<'x' | 'weight' | 'bias', 'y'> {
  const random = new Random(rows + cols)
  const x = random.normals(rows * cols, 2)
  const weight = random.normals(cols)
  const bias = random.normals(cols)
  return {
    name: 'layernorm.forward',
    shape: `${rows}x${cols}`,
    inputs: {
      x: { data: x, shape: [rows, cols] },
      weight: { data: weight, shape: [cols] },
      bias: { data: bias, shape: [cols] },
    },
    outputs: { y: [rows, cols] },
    cost: { flops: 8 * rows * cols, bytes: 8 * rows * cols },
    tolerance: 1e-5,
    error: ({ y }) => relativeError(y, layerNormForward(x, weight, bias, EPS).y),
    entries: [
      ownEntry('layernorm.forward', async (gpu, { x, weight, bias, y }, workspace) => {
        const kernel = await createLayerNorm(gpu)
        const mean = workspace.zeros([rows], 'mean')
        const rstd = workspace.zeros([rows], 'rstd')
        return { run: () => kernel.forward({ x, weight, bias, y, mean, rstd, eps: EPS }) }
      }),
      jaxEntry('nn.standardize, mul, add, jit', ({ x, weight, bias }) => ({
        y: nn.standardize(x, -1, { epsilon: EPS }).mul(weight).add(bias),
      })),
      tfjsEntry('composition: moments, rsqrt, mul, add', ({ x, weight, bias }) => {
        const { mean, variance } = tf.moments(x, -1, true)
        const scaled = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, EPS)))
        return { y: tf.add(tf.mul(scaled, weight), bias) }
      }),
      ortEntry('LayerNormalization', {
        nodes: [
          {
            op: 'LayerNormalization',
            inputs: ['x', 'weight', 'bias'],
            outputs: ['y'],
            attributes: { axis: -1, epsilon: { float: EPS } },
          },
        ],
      }),
    ],
  }
}

function jaxRmsNorm(x: np.Array, weight: np.Array): np.Array {
  const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true })
  return x.div(np.sqrt(meanSquare.add(EPS))).mul(weight)
}

function tfjsRmsNorm(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const meanSquare = tf.mean(tf.square(x), -1, true)
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, EPS))), weight)
}

export function normPlans({ small }: PlanOptions): Plan[] {
  return (small ? SMALL : FULL).flatMap((sizes) => [
    { name: 'rmsnorm.forward', build: () => rmsNormForwardProblem(sizes) },
    { name: 'rmsnorm.training', build: () => rmsNormTrainingProblem(sizes) },
    { name: 'layernorm.forward', build: () => layerNormForwardProblem(sizes) },
  ])
}
