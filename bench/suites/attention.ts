import { type numpy as np, vjp } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { sizeOf, type Tensor } from '../../src/gpu/tensor.ts'
import { attentionScratchShape, createAttention } from '../../src/kernels/attention.ts'
import { causalLayout } from '../../src/kernels/packing.ts'
import { type AttentionCase, attentionBackward, attentionForward } from '../../test/reference/attention.ts'
import { relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import { lazy, mapValues } from '../harness/arrays.ts'
import type { HostTensor, Plan, PlanOptions, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ownEntry } from '../peers/own.ts'
import { tfjsEntry } from '../peers/tfjs.ts'
import {
  HEAD_DIM,
  HEADS,
  type In,
  jaxAttention,
  KV_HEADS,
  ortComposition,
  ortGroupQueryAttention,
  SCALE,
  tfjsAttention,
} from './attention.peers.ts'

const FORWARD = 'attention.forward'
const TRAINING = 'attention.training'

function inputs(tokens: number): Record<In, HostTensor> {
  const random = new Random(tokens)
  const heads = (count: number): HostTensor => ({
    data: random.normals(tokens * count * HEAD_DIM),
    shape: [tokens, count, HEAD_DIM],
  })
  return { q: heads(HEADS), k: heads(KV_HEADS), v: heads(KV_HEADS) }
}

/** Multiply-adds of one product over the causal triangle, in operations. */
function triangleFlops(tokens: number): number {
  return HEADS * tokens * (tokens + 1) * HEAD_DIM
}

function forward(tokens: number): Problem<In, 'out'> {
  const tensors = inputs(tokens)
  const expected = lazy(() => {
    const { q, k, v } = tensors
    return attentionForward(causalCase(tokens), q.data, k.data, v.data)
  })
  return {
    name: FORWARD,
    shape: `T=${tokens} ${HEADS}/${KV_HEADS} heads x${HEAD_DIM}`,
    inputs: tensors,
    outputs: { out: [tokens, HEADS, HEAD_DIM] },
    cost: { flops: 2 * triangleFlops(tokens), bytes: 4 * tokens * (2 * HEADS + 2 * KV_HEADS) * HEAD_DIM },
    tolerance: 1e-5,
    error: ({ out }) => relativeError(out, expected().out),
    entries: [
      ownEntry('attention.forward', async (gpu, tensors, workspace) => {
        const attention = await createAttention(gpu, { headDim: HEAD_DIM })
        const layout = causalLayout([tokens])
        const ranges = workspace.upload(layout.ranges, [tokens, 4], 'ranges')
        const lse = workspace.zeros([tokens, HEADS], 'lse')
        const { q, k, v, out } = mapValues(tensors, joinHeads)
        return { run: () => attention.forward({ q, k, v, ranges, pairs: layout.pairs, out, lse }) }
      }),
      jaxEntry('nn.dotProductAttention(isCausal), jit', (args) => ({ out: jaxAttention(args) })),
      tfjsEntry('composition: matMul, mask, softmax, matMul', (args) => ({ out: tfjsAttention(args) })),
      ortGroupQueryAttention(tokens),
      ortComposition(tokens),
    ],
  }
}

function training(tokens: number): Problem<In | 'dout', 'out' | 'dq' | 'dk' | 'dv'> {
  const { q, k, v } = inputs(tokens)
  const dout = { data: new Random(tokens + 1).normals(tokens * HEADS * HEAD_DIM), shape: q.shape }
  const expected = lazy(() => {
    const args = [causalCase(tokens), q.data, k.data, v.data] as const
    return { forward: attentionForward(...args), backward: attentionBackward(...args, dout.data) }
  })
  return {
    name: TRAINING,
    shape: `T=${tokens} ${HEADS}/${KV_HEADS} heads x${HEAD_DIM}`,
    inputs: { q, k, v, dout },
    outputs: { out: q.shape, dq: q.shape, dk: k.shape, dv: v.shape },
    // Two products forward; five backward, one of them the scores again.
    cost: {
      flops: 7 * triangleFlops(tokens),
      bytes: 4 * tokens * (6 * HEADS + 6 * KV_HEADS) * HEAD_DIM,
    },
    tolerance: 1e-4,
    error({ out, dq, dk, dv }) {
      const { forward, backward } = expected()
      return Math.max(
        relativeError(out, forward.out),
        relativeError(dq, backward.dq),
        relativeError(dk, backward.dk),
        relativeError(dv, backward.dv),
      )
    },
    entries: [
      ownEntry('attention.forward, backward', async (gpu, tensors, workspace) => {
        const attention = await createAttention(gpu, { headDim: HEAD_DIM })
        const layout = causalLayout([tokens])
        const ranges = workspace.upload(layout.ranges, [tokens, 4], 'ranges')
        const queryRanges = workspace.upload(layout.queryRanges, [tokens, 2], 'queryRanges')
        const lse = workspace.zeros([tokens, HEADS], 'lse')
        const rows = workspace.zeros(attentionScratchShape(tokens, HEADS), 'rows')
        const args = { ...mapValues(tensors, joinHeads), ranges, pairs: layout.pairs, lse }
        const { q, k, v, out } = args
        return {
          run() {
            attention.forward({ q, k, v, ranges, pairs: layout.pairs, out, lse })
            attention.backward({ ...args, queryRanges, rows })
          },
        }
      }),
      jaxEntry('vjp of nn.dotProductAttention(isCausal), jit', ({ q, k, v, dout }) => {
        const attend = (q: np.Array, k: np.Array, v: np.Array): np.Array => jaxAttention({ q, k, v })
        const [out, pullBack] = vjp(attend, [q, k, v])
        const [dq, dk, dv] = pullBack(dout)
        pullBack.dispose()
        return { out, dq, dk, dv }
      }),
      tfjsEntry('valueAndGrads of the composition', ({ q, k, v, dout }) => {
        const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor => tfjsAttention({ q, k, v })
        const { value, grads } = tf.valueAndGrads(attend)([q, k, v], dout)
        const [dq, dk, dv] = grads as [tf.Tensor, tf.Tensor, tf.Tensor]
        return { out: value, dq, dk, dv }
      }),
    ],
  }
}

function causalCase(tokens: number): AttentionCase {
  return {
    queryRows: tokens,
    keyRows: tokens,
    numHeads: HEADS,
    numKvHeads: KV_HEADS,
    headDim: HEAD_DIM,
    scale: SCALE,
    sees: (i, j) => j <= i,
  }
}

/** (tokens, heads, headDim) as (tokens, heads * headDim). */
function joinHeads(tensor: Tensor): Tensor {
  const [tokens = 0, ...rest] = tensor.shape
  return tensor.reshape([tokens, sizeOf(rest)])
}

export function attentionPlans({ small }: PlanOptions): Plan[] {
  const lengths = small ? [256] : [256, 512]
  return lengths.flatMap((tokens) => [
    { name: FORWARD, build: () => forward(tokens) },
    { name: TRAINING, build: () => training(tokens) },
  ])
}
