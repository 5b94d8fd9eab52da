import { numpy as np, vjp } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { loraPartialShape, loraThinShape } from '../../src/kernels/lora.calls.ts'
import { createLora } from '../../src/kernels/lora.ts'
import { type LoraCase, loraBackward, loraForward } from '../../test/reference/lora.ts'
import { relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import type { HostTensor, Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

interface Sizes {
  rows: number
  inputs: number
  outputs: number
  rank: number
}

type In = 'x' | 'loraA' | 'loraB'

/** SmolVLM-256M's query and gate projections. */
const FULL: readonly Sizes[] = [
  { rows: 256, inputs: 576, outputs: 576, rank: 16 },
  { rows: 256, inputs: 576, outputs: 1536, rank: 16 },
]
const SCALING = 2
const FORWARD = 'lora.forward'
const TRAINING = 'lora.training'

function tensorsOf({ rows, inputs, outputs, rank }: Sizes): Record<In, HostTensor> {
  const random = new Random(rows + inputs + outputs)
  return {
    x: { data: random.normals(rows * inputs), shape: [rows, inputs] },
    loraA: { data: random.normals(rank * inputs, 0.1), shape: [rank, inputs] },
    loraB: { data: random.normals(outputs * rank, 0.1), shape: [outputs, rank] },
  }
}

function caseOf(sizes: Sizes): LoraCase {
  return { ...sizes, scaling: SCALING, keep: new Float64Array(sizes.rows * sizes.inputs).fill(1) }
}

function shapeOf({ rows, inputs, outputs, rank }: Sizes): string {
  return `${rows}x${inputs}x${outputs} r=${rank}`
}

/** Only the adapter's share of the layer: `y = scaling * (x A^T) B^T`. */
function forward(sizes: Sizes): Problem<In, 'y'> {
  const { rows, inputs, outputs, rank } = sizes
  const tensors = tensorsOf(sizes)
  return {
    name: FORWARD,
    shape: shapeOf(sizes),
    inputs: tensors,
    outputs: { y: [rows, outputs] },
    cost: {
      flops: 2 * rows * rank * (inputs + outputs),
      bytes: 4 * (rows + rank) * (inputs + outputs),
    },
    tolerance: 1e-5,
    error({ y }) {
      const { x, loraA, loraB } = tensors
      return relativeError(y, loraForward(caseOf(sizes), x.data, loraA.data, loraB.data).y)
    },
    entries: [
      ownEntry('lora.down, up', async (gpu, { x, loraA, loraB, y }, workspace) => {
        const lora = await createLora(gpu)
        const xa = workspace.zeros(loraThinShape(rows, rank), 'xa')
        return {
          run() {
            lora.down({ x, loraA, xa })
            lora.up({ xa, loraB, y, scaling: SCALING })
          },
        }
      }),
      jaxEntry('two matmuls, jit', ({ x, loraA, loraB }) => ({ y: jaxLora(x, loraA, loraB) })),
      tfjsEntry('two matMuls, mul', ({ x, loraA, loraB }) => ({ y: tfjsLora(x, loraA, loraB) })),
      ortEntry('two Gemms', {
        nodes: [
          { op: 'Gemm', inputs: ['x', 'loraA'], outputs: ['xa'], attributes: { transB: 1 } },
          {
            op: 'Gemm',
            inputs: ['xa', 'loraB'],
            outputs: ['y'],
            attributes: { transB: 1, alpha: { float: SCALING } },
          },
        ],
      }),
    ],
  }
}

/** Forward and the gradients to the input and both factors. */
function training(sizes: Sizes): Problem<In | 'dout', 'y' | 'dx' | 'dloraA' | 'dloraB'> {
  const { rows, inputs, outputs, rank } = sizes
  const tensors = tensorsOf(sizes)
  const dout: HostTensor = { data: new Random(rows).normals(rows * outputs), shape: [rows, outputs] }
  return {
    name: TRAINING,
    shape: shapeOf(sizes),
    inputs: { ...tensors, dout },
    outputs: { y: [rows, outputs], dx: [rows, inputs], dloraA: [rank, inputs], dloraB: [outputs, rank] },
    cost: {
      flops: 6 * rows * rank * (inputs + outputs),
      bytes: 4 * (2 * rows + 3 * rank) * (inputs + outputs),
    },
    tolerance: 1e-5,
    error({ y, dx, dloraA, dloraB }) {
      const args = [caseOf(sizes), tensors.x.data, tensors.loraA.data, tensors.loraB.data] as const
      const expected = loraBackward(...args, dout.data)
      return Math.max(
        relativeError(y, loraForward(...args).y),
        relativeError(dx, expected.dx),
        relativeError(dloraA, expected.da),
        relativeError(dloraB, expected.db),
      )
    },
    entries: [
      ownEntry(
        'lora.down, up, backwardXa, backwardB, backwardA, backwardX',
        async (gpu, { x, loraA, loraB, dout, y, dx, dloraA, dloraB }, workspace) => {
          const lora = await createLora(gpu)
          const xa = workspace.zeros(loraThinShape(rows, rank), 'xa')
          const dxa = workspace.zeros(loraThinShape(rows, rank), 'dxa')
          const partialB = workspace.zeros(loraPartialShape(rows, rank, outputs), 'partialB')
          const partialA = workspace.zeros(loraPartialShape(rows, rank, inputs), 'partialA')
          return {
            run() {
              lora.down({ x, loraA, xa })
              lora.up({ xa, loraB, y, scaling: SCALING })
              lora.backwardXa({ dout, loraB, dxa, scaling: SCALING })
              lora.backwardB({ dout, xa, dloraB, partial: partialB, scaling: SCALING })
              lora.backwardA({ x, dxa, dloraA, partial: partialA })
              lora.backwardX({ dxa, loraA, dx })
            },
          }
        },
      ),
      jaxEntry('vjp of two matmuls, jit', ({ x, loraA, loraB, dout }) => {
        const [y, pullBack] = vjp(jaxLora, [x, loraA, loraB])
        const [dx, dloraA, dloraB] = pullBack(dout)
        pullBack.dispose()
        return { y, dx, dloraA, dloraB }
      }),
      tfjsEntry('valueAndGrads of two matMuls', ({ x, loraA, loraB, dout }) => {
        const { value, grads } = tf.valueAndGrads(tfjsLora)([x, loraA, loraB], dout)
        const [dx, dloraA, dloraB] = grads as [tf.Tensor, tf.Tensor, tf.Tensor]
        return { y: value, dx, dloraA, dloraB }
      }),
    ],
  }
}

function jaxLora(x: np.Array, loraA: np.Array, loraB: np.Array): np.Array {
  return np.matmul(np.matmul(x, np.matrixTranspose(loraA)), np.matrixTranspose(loraB)).mul(SCALING)
}

function tfjsLora(x: tf.Tensor, loraA: tf.Tensor, loraB: tf.Tensor): tf.Tensor {
  return tf.mul(tf.matMul(tf.matMul(x, loraA, false, true), loraB, false, true), SCALING)
}

export function loraPlans({ small }: PlanOptions): Plan[] {
  return (small ? FULL.slice(0, 1) : FULL).flatMap((sizes) => [
    { name: FORWARD, build: () => forward(sizes) },
    { name: TRAINING, build: () => training(sizes) },
  ])
}
