import { nn } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createElementwise } from '../../src/kernels/elementwise.ts'
import { createSwiGlu } from '../../src/kernels/swiglu.ts'
import { swigluForward } from '../../test/reference/swiglu.ts'
import { at, relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import type { Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

const ROWS = 256
const ADD = 'elementwise.add'
const SWIGLU = 'swiglu.forward'

/** A residual branch joining its stream. */
function add(cols: number): Problem<'a' | 'b', 'y'> {
  const shape = [ROWS, cols]
  const random = new Random(cols)
  const a = random.normals(ROWS * cols)
  const b = random.normals(ROWS * cols)
  return {
    name: ADD,
    shape: shape.join('x'),
    inputs: { a: { data: a, shape }, b: { data: b, shape } },
    outputs: { y: shape },
    cost: { flops: ROWS * cols, bytes: 12 * ROWS * cols },
    tolerance: 1e-6,
    error: ({ y }) =>
      relativeError(
        y,
        Float64Array.from(a, (value, i) => value + at(b, i)),
      ),
    entries: [
      ownEntry('elementwise.add', async (gpu, { a, b, y }) => {
        const elementwise = await createElementwise(gpu)
        return { run: () => elementwise.add({ a, b, y }) }
      }),
      jaxEntry('add, jit', ({ a, b }) => ({ y: a.add(b) })),
      tfjsEntry('add', ({ a, b }) => ({ y: tf.add(a, b) })),
      ortEntry('Add', { nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }] }),
    ],
  }
}

/** `silu(gate) * up`. */
function swiglu(inner: number): Problem<'gate' | 'up', 'y'> {
  const shape = [ROWS, inner]
  const random = new Random(inner)
  const gate = random.normals(ROWS * inner)
  const up = random.normals(ROWS * inner)
  return {
    name: SWIGLU,
    shape: shape.join('x'),
    inputs: { gate: { data: gate, shape }, up: { data: up, shape } },
    outputs: { y: shape },
    cost: { flops: 5 * ROWS * inner, bytes: 12 * ROWS * inner },
    tolerance: 1e-5,
    error: ({ y }) => relativeError(y, swigluForward(gate, up)),
    entries: [
      ownEntry('swiglu.forward', async (gpu, { gate, up, y }) => {
        const kernel = await createSwiGlu(gpu)
        return { run: () => kernel.forward({ gate, up, y }) }
      }),
      jaxEntry('nn.silu, mul, jit', ({ gate, up }) => ({ y: nn.silu(gate).mul(up) })),
      tfjsEntry('sigmoid, mul, mul', ({ gate, up }) => ({ y: tf.mul(tf.mul(gate, tf.sigmoid(gate)), up) })),
      ortEntry('Sigmoid, Mul, Mul', {
        nodes: [
          { op: 'Sigmoid', inputs: ['gate'], outputs: ['s'] },
          { op: 'Mul', inputs: ['gate', 's'], outputs: ['silu'] },
          { op: 'Mul', inputs: ['silu', 'up'], outputs: ['y'] },
        ],
      }),
    ],
  }
}

export function elementwisePlans({ small }: PlanOptions): Plan[] {
  return [
    { name: ADD, build: () => add(small ? 576 : 4096) },
    { name: SWIGLU, build: () => swiglu(1536) },
  ]
}
