import { nn, numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { createLogps, logpsScratchShapes } from '../../src/kernels/logps.ts'
import { createMatmul } from '../../src/kernels/matmul.ts'
import { asWeight } from '../../src/kernels/weight.ts'
import { at, relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import { sampleRows, takeRows, uniforms } from '../harness/arrays.ts'
import type { Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { ownEntry, ownTuner } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'

const HIDDEN = 576
const FORWARD = 'head.forward'

/** Log-probabilities of targets under `softmax(hidden W^T)`. hidden: (rows, 576), weight: (vocabulary, 576). */
function forward(rows: number, vocabulary: number): Problem<'hidden' | 'weight' | 'targets', 'logps'> {
  const random = new Random(rows)
  const hidden = random.normals(rows * HIDDEN)
  const weight = uniforms(random, vocabulary * HIDDEN, Math.sqrt(3 / HIDDEN))
  const targets = Int32Array.from(random.indices(rows, vocabulary))
  return {
    name: FORWARD,
    shape: `${rows}x${HIDDEN}x${vocabulary}`,
    inputs: {
      hidden: { data: hidden, shape: [rows, HIDDEN] },
      weight: { data: weight, shape: [vocabulary, HIDDEN] },
      targets: { data: targets, shape: [rows] },
    },
    outputs: { logps: [rows] },
    cost: {
      flops: 2 * rows * HIDDEN * vocabulary,
      bytes: 4 * (rows * HIDDEN + vocabulary * HIDDEN + 2 * rows),
    },
    tolerance: 1e-5,
    error({ logps }) {
      const sample = sampleRows(rows)
      const expected = sample.map((row) => logpOf(at(targets, row), hidden.subarray(row * HIDDEN), weight))
      return relativeError(takeRows(logps, 1, sample), expected)
    },
    entries: [
      ownEntry(
        'logps.forward (also arg-max, entropy, mean logit)',
        async (gpu, { hidden, weight, targets, logps }, workspace) => {
          const head = await createLogps(gpu, await createMatmul(gpu, { tuner: ownTuner(gpu) }))
          const scratch = logpsScratchShapes(rows, vocabulary)
          const args = {
            hidden,
            weight: asWeight(weight),
            targets,
            logps,
            lse: workspace.zeros([rows], 'lse'),
            argmax: workspace.zeros([rows], 'argmax', 'u32'),
            entropy: workspace.zeros([rows], 'entropy'),
            meanLogit: workspace.zeros([rows], 'meanLogit'),
            logits: workspace.zeros(scratch.logits, 'logits'),
            state: workspace.zeros(scratch.state, 'state'),
          }
          return { run: () => head.forward(args) }
        },
      ),
      jaxEntry('matmul, logSoftmax, takeAlongAxis, jit', ({ hidden, weight, targets }) => {
        const logits = np.matmul(hidden, np.matrixTranspose(weight))
        const picked = np.takeAlongAxis(nn.logSoftmax(logits), targets.reshape([rows, 1]), 1)
        return { logps: picked.reshape([rows]) }
      }),
      tfjsEntry('matMul, logSoftmax, gatherND', ({ hidden, weight, targets }) => {
        const logits = tf.matMul(hidden, weight, false, true)
        const places = tf.stack([tf.range(0, rows, 1, 'int32'), targets], 1)
        return { logps: tf.gatherND(tf.logSoftmax(logits), places) }
      }),
      ortEntry(
        'Gemm, Softmax, GatherElements, Log',
        {
          nodes: [
            { op: 'Gemm', inputs: ['hidden', 'weight'], outputs: ['logits'], attributes: { transB: 1 } },
            { op: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], attributes: { axis: -1 } },
            {
              op: 'GatherElements',
              inputs: ['probabilities', 'targets'],
              outputs: ['picked'],
              attributes: { axis: 1 },
            },
            { op: 'Log', inputs: ['picked'], outputs: ['logps'] },
          ],
        },
        {
          inputs: (given) => ({ ...given, targets: { ...given.targets, shape: [rows, 1] } }),
          outputs: { logps: [rows, 1] },
        },
      ),
    ],
  }
}

/** Log-probability of one target in float64. */
function logpOf(target: number, hidden: ArrayLike<number>, weight: ArrayLike<number>): number {
  const vocabulary = weight.length / HIDDEN
  const logits = new Float64Array(vocabulary)
  for (let token = 0; token < vocabulary; token++) {
    let dot = 0
    for (let i = 0; i < HIDDEN; i++) dot += at(hidden, i) * at(weight, token * HIDDEN + i)
    logits[token] = dot
  }
  const largest = logits.reduce((a, b) => Math.max(a, b))
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)
  return at(logits, target) - largest - Math.log(total)
}

/** SmolVLM-256M's vocabulary; few rows on a software adapter, where 256 would take a peer many minutes. */
export function headPlans({ small, isSoftware }: PlanOptions): Plan[] {
  const [rows, vocabulary] = small ? [64, 8192] : [isSoftware ? 32 : 256, 49_280]
  return [{ name: FORWARD, build: () => forward(rows, vocabulary) }]
}
