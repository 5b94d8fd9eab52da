import { numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createMatmul, createMatmulGradient } from '../../src/kernels/matmul.ts'
import { asWeight } from '../../src/kernels/weight.ts'
import { at, relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import { permute, sampleRows, takeRows } from '../harness/arrays.ts'
import type { HostTensor, Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry, ownTuner } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

type Sizes = readonly [rows: number, inner: number, cols: number]

const LARGE: readonly Sizes[] = [
  [256, 1024, 1024],
  [1024, 1024, 1024],
]
/** SmolVLM-256M's linear layers at 256 rows: q/o, gate/up, down, k/v. */
const LAYERS: readonly Sizes[] = [
  [256, 576, 576],
  [256, 576, 1536],
  [256, 1536, 576],
  [256, 576, 192],
]
const TOLERANCE = 1e-4
const FORWARD = 'matmul.forward'
const BACKWARD_INPUT = 'matmul.backwardInput'
const BACKWARD_WEIGHT = 'matmul.backwardWeight'

/** What all layouts share: the product's shape, its cost, and a check of a few rows in float64. */
function product([rows, inner, cols]: Sizes, left: Float64Array, right: Float64Array) {
  return {
    shape: `${rows}x${inner}x${cols}`,
    outputs: { y: [rows, cols] },
    cost: { flops: 2 * rows * inner * cols, bytes: 4 * (rows * inner + cols * inner + rows * cols) },
    tolerance: TOLERANCE,
    error({ y }: { readonly y: Float32Array }): number {
      const sample = sampleRows(rows)
      const expected = new Float64Array(sample.length * cols)
      sample.forEach((row, i) => {
        for (let c = 0; c < cols; c++) {
          let sum = 0
          for (let k = 0; k < inner; k++) sum += at(left, row * inner + k) * at(right, c * inner + k)
          expected[i * cols + c] = sum
        }
      })
      return relativeError(takeRows(y, cols, sample), expected)
    },
  }
}

function normals(rows: number, cols: number, seed: number): HostTensor {
  return { data: new Random(seed).normals(rows * cols), shape: [rows, cols] }
}

/** The values as float64, or those of the transpose: what `product` multiplies row by row. */
function wide(tensor: HostTensor): Float64Array {
  return Float64Array.from(tensor.data)
}

function wideTransposed(tensor: HostTensor): Float64Array {
  return wide(permute(tensor, [1, 0]))
}

/** `y = x W^T`: a linear layer's forward pass. x: (rows, inner), weight: (cols, inner). */
function forward(sizes: Sizes): Problem<'x' | 'weight', 'y'> {
  const [rows, inner, cols] = sizes
  const x = normals(rows, inner, 1)
  const weight = normals(cols, inner, 2)
  return {
    name: FORWARD,
    ...product(sizes, wide(x), wide(weight)),
    inputs: { x, weight },
    entries: [
      ownEntry('matmul.forward', async (gpu, { x, weight, y }) => {
        const matmul = await createMatmul(gpu, { tuner: ownTuner(gpu) })
        return { run: () => matmul.forward({ x, weight: asWeight(weight), y }) }
      }),
      jaxEntry('matmul(x, w.T), jit', ({ x, weight }) => ({ y: np.matmul(x, np.matrixTranspose(weight)) })),
      tfjsEntry('matMul(transposeB)', ({ x, weight }) => ({ y: tf.matMul(x, weight, false, true) })),
      ortEntry('Gemm(transB)', {
        nodes: [{ op: 'Gemm', inputs: ['x', 'weight'], outputs: ['y'], attributes: { transB: 1 } }],
      }),
      ortEntry(
        'MatMul, weight stored transposed',
        { nodes: [{ op: 'MatMul', inputs: ['x', 'weight'], outputs: ['y'] }] },
        { inputs: ({ x, weight }) => ({ x, weight: permute(weight, [1, 0]) }) },
      ),
    ],
  }
}

/** `dinp = dout W`: the gradient to a linear layer's input. dout: (rows, inner), weight: (inner, cols). */
function backwardInput(sizes: Sizes): Problem<'dout' | 'weight', 'y'> {
  const [rows, inner, cols] = sizes
  const dout = normals(rows, inner, 1)
  const weight = normals(inner, cols, 2)
  return {
    name: BACKWARD_INPUT,
    ...product(sizes, wide(dout), wideTransposed(weight)),
    inputs: { dout, weight },
    entries: [
      ownEntry('matmul.backwardInput', async (gpu, { dout, weight, y }) => {
        const matmul = await createMatmul(gpu, { tuner: ownTuner(gpu) })
        return { run: () => matmul.backwardInput({ dout, weight: asWeight(weight), dinp: y }) }
      }),
      jaxEntry('matmul, jit', ({ dout, weight }) => ({ y: np.matmul(dout, weight) })),
      tfjsEntry('matMul', ({ dout, weight }) => ({ y: tf.matMul(dout, weight) })),
      ortEntry('Gemm', { nodes: [{ op: 'Gemm', inputs: ['dout', 'weight'], outputs: ['y'] }] }),
    ],
  }
}

/** `dweight = dout^T x`: the gradient to a trained weight. dout: (inner, rows), x: (inner, cols). */
function backwardWeight(sizes: Sizes): Problem<'dout' | 'x', 'y'> {
  const [rows, inner, cols] = sizes
  const dout = normals(inner, rows, 1)
  const x = normals(inner, cols, 2)
  return {
    name: BACKWARD_WEIGHT,
    ...product(sizes, wideTransposed(dout), wideTransposed(x)),
    inputs: { dout, x },
    entries: [
      ownEntry('matmul.backwardWeight (accumulates)', async (gpu, { dout, x, y }) => {
        const matmul = await createMatmulGradient(gpu, { tuner: ownTuner(gpu) })
        return { run: () => matmul.backwardWeight({ dout, x, dweight: y }) }
      }),
      jaxEntry('matmul(dout.T, x), jit', ({ dout, x }) => ({ y: np.matmul(np.matrixTranspose(dout), x) })),
      tfjsEntry('matMul(transposeA)', ({ dout, x }) => ({ y: tf.matMul(dout, x, true, false) })),
      ortEntry('Gemm(transA)', {
        nodes: [{ op: 'Gemm', inputs: ['dout', 'x'], outputs: ['y'], attributes: { transA: 1 } }],
      }),
    ],
  }
}

export function matmulPlans({ small }: PlanOptions): Plan[] {
  const forwardSizes = small ? [...LARGE.slice(0, 1), ...LAYERS.slice(0, 1)] : [...LARGE, ...LAYERS]
  const backwardSizes: Sizes[] = small
    ? [[256, 1024, 1024]]
    : [
        [256, 1024, 1024],
        [256, 1536, 576],
      ]
  return [
    ...forwardSizes.map((sizes) => ({ name: FORWARD, build: () => forward(sizes) })),
    ...backwardSizes.map((sizes) => ({ name: BACKWARD_INPUT, build: () => backwardInput(sizes) })),
    ...backwardSizes.map((sizes) => ({ name: BACKWARD_WEIGHT, build: () => backwardWeight(sizes) })),
  ]
}
