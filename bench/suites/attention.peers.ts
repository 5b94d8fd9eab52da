import { nn, type numpy as np } from '@jax-js/jax'
import * as tf from '@tensorflow/tfjs-core'
import { permute } from '../harness/arrays.ts'
import type { Entry } from '../harness/problem.ts'
import { ortEntry } from '../peers/ort.ts'

/** SmolVLM-256M's heads. */
export const HEADS = 9
export const KV_HEADS = 3
export const HEAD_DIM = 64
export const GROUP = HEADS / KV_HEADS
export const SCALE = 1 / Math.sqrt(HEAD_DIM)

export type In = 'q' | 'k' | 'v'

/** jax-js has attention as one function. */
export function jaxAttention({ q, k, v }: Record<In, np.Array>): np.Array {
  return nn.dotProductAttention(q, k, v, { isCausal: true })
}

/** Heads that share keys are stacked along the rows, so that no key is copied. */
export function tfjsAttention({ q, k, v }: Record<In, tf.Tensor>): tf.Tensor {
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
export function ortGroupQueryAttention(tokens: number): Entry<In, 'out'> {
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
export function ortComposition(tokens: number): Entry<In, 'out'> {
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
