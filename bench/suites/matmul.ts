import { numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { at, relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import { permute, sampleRows, takeRows } from '../harness/arrays.ts'
import type { Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { tfjsEntry } from '../peers/tfjs.ts'
import type { Plan } from './index.ts'

type Sizes = readonly [rows: number, inner: number, cols: number]

const SMALL: readonly Sizes[] = [
  [256, 1024, 1024],
  [256, 576, 576],
]
/** The shapes, then those of SmolVLM-256M's linear layers: q/o, gate/up, down, k/v. */
const FULL: readonly Sizes[] = [
  [256, 1024, 1024],
  [1024, 1024, 1024],
  [256, 576, 576],
  [256, 576, 1536],
  [256, 1536, 576],
  [256, 576, 192],
]

const FORWARD = 'matmul.forward'

/** `y = x W^T`: a linear layer's forward pass. x: (rows, inner), weight: (cols, inner). */
function forward([rows, inner, cols]: Sizes): Problem<'x' | 'weight', 'y'> {
  const random = new Random(rows + inner + cols)
  const x = random.normals(rows * inner)
  const weight = random.normals(cols * inner)
  return {
    name: FORWARD,
    shape: `${rows}x${inner}x${cols}`,
    inputs: { x: { data: x, shape: [rows, inner] }, weight: { data: weight, shape: [cols, inner] } },
    outputs: { y: [rows, cols] },
    cost: { flops: 2 * rows * inner * cols, bytes: 4 * (rows * inner + cols * inner + rows * cols) },
    tolerance: 1e-4,
    error({ y }) {
      const sample = sampleRows(rows)
      const expected = new Float64Array(sample.length * cols)
      sample.forEach((row, i) => {
        for (let c = 0; c < cols; c++) {
          let sum = 0
          for (let k = 0; k < inner; k++) sum += at(x, row * inner + k) * at(weight, c * inner + k)
          expected[i * cols + c] = sum
        }
      })
      return relativeError(takeRows(y, cols, sample), expected)
    },
    entries: [
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

export function matmulPlans(small: boolean): Plan[] {
  return (small ? SMALL : FULL).map((sizes) => ({ name: FORWARD, build: () => forward(sizes) }))
}
