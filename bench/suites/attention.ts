import { nn, type numpy as np, vjp } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { at, relativeError } from '../../test/support/numeric.ts'
import { Random } from '../../test/support/random.ts'
import { permute, sampleRows, takeRows } from '../harness/arrays.ts'
import type { Entry, HostTensor, Problem } from '../harness/problem.ts'
import { jaxEntry } from '../peers/jax.ts'
import { ortEntry } from '../peers/ort.ts'
import { tfjsEntry } from '../peers/tfjs.ts'
import type { Plan } from './index.ts'

/** SmolVLM-256M's heads. */
const HEADS = 9
const KV_HEADS = 3
const HEAD_DIM = 64
const GROUP = HEADS / KV_HEADS
const SCALE = 1 / Math.sqrt(HEAD_DIM)

const FORWARD = 'attention.forward'
const TRAINING = 'attention.training'

type In = 'q' | 'k' | 'v'

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
  const { q, k, v } = tensors
  return {
    name: FORWARD,
    shape: `T=${tokens} ${HEADS}/${KV_HEADS} heads x${HEAD_DIM}`,
    inputs: tensors,
    outputs: { out: [tokens, HEADS, HEAD_DIM] },
    cost: { flops: 2 * triangleFlops(tokens), bytes: 4 * tokens * (2 * HEADS + 2 * KV_HEADS) * HEAD_DIM },
    tolerance: 1e-5,
    error({ out }) {
      const rows = sampleRows(tokens)
      const expected = rows.flatMap((t) => attendFrom(t, q.data, k.data, v.data))
      return relativeError(takeRows(out, HEADS * HEAD_DIM, rows), expected)
    },
    entries: [
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
    error({ out }) {
      const rows = sampleRows(tokens)
      const expected = rows.flatMap((t) => attendFrom(t, q.data, k.data, v.data))
      return relativeError(takeRows(out, HEADS * HEAD_DIM, rows), expected)
    },
    entries: [
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

function jaxAttention({ q, k, v }: Record<In, np.Array>): np.Array {
  return nn.dotProductAttention(q, k, v, { isCausal: true })
}

/** Heads that share keys are stacked along the rows, so that no key is copied. */
function tfjsAttention({ q, k, v }: Record<In, tf.Tensor>): tf.Tensor {
  const tokens = q.shape[0] as number
  const grouped = tf.transpose(tf.reshape(q, [tokens, KV_HEADS, GROUP, HEAD_DIM]), [1, 2, 0, 3])
  const rows = tf.reshape(grouped, [KV_HEADS, GROUP * tokens, HEAD_DIM])
  const scores = tf.mul(tf.matMul(rows, tf.transpose(k, [1, 0, 2]), false, true), SCALE)
  const future = tf.sub(1, tf.linalg.bandPart(tf.ones([tokens, tokens]), -1, 0))
  const masked = tf.add(tf.reshape(scores, [KV_HEADS, GROUP, tokens, tokens]), tf.mul(future, -1e9))
  const probabilities = tf.reshape(tf.softmax(masked), [KV_HEADS, GROUP * tokens, tokens])
  const out = tf.reshape(tf.matMul(probabilities, tf.transpose(v, [1, 0, 2])), [
    KV_HEADS,
    GROUP,
    tokens,
    HEAD_DIM,
  ])
  return tf.reshape(tf.transpose(out, [2, 0, 1, 3]), [tokens, HEADS, HEAD_DIM])
}

/** Attention's own operator in onnxruntime; on adapters with subgroups it takes its flash-attention path. */
function ortGroupQueryAttention(tokens: number): Entry<In, 'out'> {
  const node = {
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: ['q', 'k', 'v', '', '', 'lastPosition', 'total'],
    outputs: ['out', 'presentKey', 'presentValue'],
    attributes: { num_heads: HEADS, kv_num_heads: KV_HEADS },
  }
  const constants = {
    lastPosition: { type: 'int32', shape: [1], values: [tokens - 1] },
    total: { type: 'int32', shape: [1], values: [tokens] },
  } as const
  return ortEntry(
    'GroupQueryAttention',
    { nodes: [node], constants },
    {
      inputs: ({ q, k, v }) => ({
        q: { ...q, shape: [1, tokens, HEADS * HEAD_DIM] },
        k: { ...k, shape: [1, tokens, KV_HEADS * HEAD_DIM] },
        v: { ...v, shape: [1, tokens, KV_HEADS * HEAD_DIM] },
      }),
      outputs: { out: [1, tokens, HEADS * HEAD_DIM] },
    },
  )
}

/** Attention from basic operators, with q, k, v laid out beforehand as its products want them. */
function ortComposition(tokens: number): Entry<In, 'out'> {
  const rows = GROUP * tokens
  const mask = new Float32Array(rows * tokens)
  for (let row = 0; row < rows; row++) mask.fill(-1e9, row * tokens + (row % tokens) + 1, (row + 1) * tokens)
  return ortEntry(
    'composition: MatMul, mask, Softmax, MatMul; q, k, v stored by head',
    {
      nodes: [
        { op: 'MatMul', inputs: ['q', 'k'], outputs: ['scores'] },
        { op: 'Mul', inputs: ['scores', 'scale'], outputs: ['scaled'] },
        { op: 'Add', inputs: ['scaled', 'mask'], outputs: ['masked'] },
        { op: 'Softmax', inputs: ['masked'], outputs: ['probabilities'], attributes: { axis: -1 } },
        { op: 'MatMul', inputs: ['probabilities', 'v'], outputs: ['grouped'] },
        { op: 'Reshape', inputs: ['grouped', 'byHead'], outputs: ['heads'] },
        { op: 'Transpose', inputs: ['heads'], outputs: ['out'], attributes: { perm: [2, 0, 1, 3] } },
      ],
      constants: {
        scale: { type: 'float32', shape: [1], values: [SCALE] },
        byHead: { type: 'int64', shape: [4], values: [KV_HEADS, GROUP, tokens, HEAD_DIM] },
      },
    },
    {
      inputs: ({ q, k, v }) => ({
        q: { data: permute(q, [1, 0, 2]).data, shape: [KV_HEADS, rows, HEAD_DIM] },
        k: permute(k, [1, 2, 0]),
        v: permute(v, [1, 0, 2]),
        mask: { data: mask, shape: [rows, tokens] },
      }),
      outputs: { out: [tokens, KV_HEADS, GROUP, HEAD_DIM] },
    },
  )
}

/** Causal attention of one query position, all heads, in float64. */
function attendFrom(t: number, q: ArrayLike<number>, k: ArrayLike<number>, v: ArrayLike<number>): number[] {
  const result = new Array<number>(HEADS * HEAD_DIM).fill(0)
  for (let head = 0; head < HEADS; head++) {
    const keyOffset = (s: number): number => (s * KV_HEADS + Math.floor(head / GROUP)) * HEAD_DIM
    const scores = Array.from({ length: t + 1 }, (_, s) => {
      let dot = 0
      for (let d = 0; d < HEAD_DIM; d++)
        dot += at(q, (t * HEADS + head) * HEAD_DIM + d) * at(k, keyOffset(s) + d)
      return dot * SCALE
    })
    const largest = Math.max(...scores)
    const weights = scores.map((score) => Math.exp(score - largest))
    const total = weights.reduce((sum, w) => sum + w, 0)
    weights.forEach((w, s) => {
      for (let d = 0; d < HEAD_DIM; d++) {
        const i = head * HEAD_DIM + d
        result[i] = at(result, i) + (w / total) * at(v, keyOffset(s) + d)
      }
    })
  }
  return result
}

export function attentionPlans(small: boolean): Plan[] {
  const lengths = small ? [256] : [256, 512]
  return lengths.flatMap((tokens) => [
    { name: FORWARD, build: () => forward(tokens) },
    { name: TRAINING, build: () => training(tokens) },
  ])
}
