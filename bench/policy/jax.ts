import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { adapterLayout, initialAdapter, unpackAdapter } from '../../src/models/decoder/adapter.ts'
import { LINEAR_PATHS, type LinearName } from '../../src/models/decoder/tensor-names.ts'
import { readFloats } from '../../src/models/decoder/weights.ts'
import { randomCheckpoint } from './checkpoint.ts'
import { BETA, LEARNING_RATE, LORA, PAIRS, PREFIX, pairs, SMALL } from './setup.ts'

const { hiddenSize, numLayers, numHeads, numKvHeads, headDim, rmsNormEps, rope, vocabSize } = SMALL.decoder
const SCALING = LORA.lora_alpha / LORA.r
/** Chosen answers first, then the rejected ones. */
const ROWS = 2 * PAIRS

type Arrays = Record<string, np.Array>

/** One LoRA-DPO step of the small model written with jax-js, its gradients by automatic differentiation. */
export interface JaxStep {
  /** Runs a step and waits for it. @returns the loss before it. */
  step(): Promise<number>
}

/** @param device the jax-js backend. */
export async function jaxStep(device: 'webgpu' | 'wasm'): Promise<JaxStep> {
  const devices = await init(device)
  if (!devices.includes(device)) throw new Error(`jax-js has no ${device} here`)
  defaultDevice(device)
  const weights: Arrays = {}
  for (const [name, entry] of randomCheckpoint(SMALL.decoder, 'F32'))
    weights[name] = np.array(await readFloats(entry), { shape: [...entry.shape] })
  const layout = adapterLayout(SMALL, LORA)
  const adapter = unpackAdapter(layout, initialAdapter(layout, 1))
  let params: Arrays = {}
  for (const { path, layer, name, loraA, loraB } of layout.slots) {
    const matrices = adapter.get(path)
    if (!matrices) throw new Error(`${path}: not in the adapter`)
    const upload = (data: Float32Array, shape: readonly number[]): np.Array =>
      np.array(data as Float32Array<ArrayBuffer>, { shape: [...shape] })
    params[`${layer}.${name}.A`] = upload(matrices.loraA, loraA.shape)
    params[`${layer}.${name}.B`] = upload(matrices.loraB, loraB.shape)
  }
  const zeros = (): Arrays =>
    Object.fromEntries(Object.entries(params).map(([name, p]) => [name, np.zeros([...p.shape])]))
  let [m, v] = [zeros(), zeros()]
  const batch = batchArrays()

  const compiled = jit((w: Arrays, p: Arrays, m1: Arrays, v1: Arrays, b: Arrays, t: np.Array) =>
    update(w, p, m1, v1, b, t),
  )
  let t = 0
  return {
    async step() {
      t++
      const [loss, nextP, nextM, nextV] = compiled(
        refs(weights),
        params,
        m,
        v,
        refs(batch),
        np.array(t, { dtype: np.float32 }),
      ) as [np.Array, Arrays, Arrays, Arrays]
      params = nextP
      m = nextM
      v = nextV
      await blockUntilReady([...Object.values(params), ...Object.values(m), ...Object.values(v)])
      return Number((await loss.data())[0])
    },
  }
}

function refs(arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.ref]))
}

/** Every sequence whole, a prefix before each answer, as automatic differentiation takes them. */
function batchArrays(): Arrays {
  const all = pairs(1)
  const sequences = [
    ...all.map(({ prefix, chosen }) => [...prefix.ids, ...chosen]),
    ...all.map(({ prefix, rejected }) => [...prefix.ids, ...rejected]),
  ]
  const length = sequences[0]?.length ?? 0
  const angles = (f: (x: number) => number): np.Array =>
    np.array(
      Float32Array.from({ length: (length * headDim) / 2 }, (_, i) => {
        const [position, pair] = [Math.floor((2 * i) / headDim), i % (headDim / 2)]
        return f(position * rope.theta ** ((-2 * pair) / headDim))
      }),
      { shape: [length, 1, headDim / 2] },
    )
  return {
    ids: np.array(Int32Array.from(sequences.flat()), { shape: [ROWS, length], dtype: np.int32 }),
    targets: np.array(Int32Array.from(sequences.flatMap((s) => s.slice(PREFIX))), {
      shape: [ROWS, length - PREFIX],
      dtype: np.int32,
    }),
    cos: angles(Math.cos),
    sin: angles(Math.sin),
  }
}

/** Policy, reference, loss, gradients and AdamW. @returns the loss, and parameters and moments after the step. */
function update(
  w: Arrays,
  p: Arrays,
  m: Arrays,
  v: Arrays,
  b: Arrays,
  t: np.Array,
): [np.Array, Arrays, Arrays, Arrays] {
  const reference = logps(refs(w), undefined, refs(b))
  const lossOf = (params: Arrays): np.Array => {
    const ratio = logps(refs(w), params, refs(b)).sub(reference.ref).reshape([2, PAIRS])
    const [chosen, rejected] = np.split(ratio, 2, 0) as [np.Array, np.Array]
    return np.mean(nn.logSigmoid(chosen.sub(rejected).mul(BETA))).mul(-1)
  }
  const [loss, grads] = valueAndGrad(lossOf)(refs(p)) as unknown as [np.Array, Arrays]
  const correction = (beta: number): np.Array => np.subtract(1, np.power(beta, t.ref))
  const [c1, c2] = [correction(0.9), correction(0.999)]
  const [nextP, nextM, nextV]: [Arrays, Arrays, Arrays] = [{}, {}, {}]
  for (const name of Object.keys(p)) {
    const [param, grad, m0, v0] = [p[name], grads[name], m[name], v[name]] as [
      np.Array,
      np.Array,
      np.Array,
      np.Array,
    ]
    const m1 = m0.mul(0.9).add(grad.ref.mul(0.1))
    const v1 = v0.mul(0.999).add(grad.ref.mul(grad).mul(0.001))
    const denominator = np.sqrt(v1.ref.div(c2.ref)).add(1e-8)
    nextP[name] = param.sub(m1.ref.div(c1.ref).div(denominator).mul(LEARNING_RATE))
    nextM[name] = m1
    nextV[name] = v1
  }
  return [loss, nextP, nextM, nextV]
}

/** Sums of the answers' log-probabilities, (ROWS). */
function logps(w: Arrays, lora: Arrays | undefined, b: Arrays): np.Array {
  const { ids, targets, cos, sin } = b as Record<'ids' | 'targets' | 'cos' | 'sin', np.Array>
  const length = ids.shape[1] as number
  const weight = (name: string): np.Array => (w[name] as np.Array).ref
  const linear = (layer: number, name: LinearName, x: np.Array): np.Array => {
    const y = np.matmul(x.ref, np.matrixTranspose(weight(`layers.${layer}.${LINEAR_PATHS[name]}.weight`)))
    if (!lora) return y
    const [a, bUp] = ['A', 'B'].map((side) => (lora[`${layer}.${name}.${side}`] as np.Array).ref) as [
      np.Array,
      np.Array,
    ]
    const thin = np.matmul(x.ref, np.matrixTranspose(a))
    return y.add(np.matmul(thin, np.matrixTranspose(bUp)).mul(SCALING))
  }
  const norm = (name: string, x: np.Array): np.Array => {
    const meanSquare = np.mean(x.ref.mul(x.ref), -1, { keepdims: true })
    return x.ref.div(np.sqrt(meanSquare.add(rmsNormEps))).mul(weight(`${name}.weight`))
  }
  const rotate = (x: np.Array, heads: number): np.Array => {
    const [a, c] = np.split(x.reshape([ROWS, length, heads, headDim]), 2, -1) as [np.Array, np.Array]
    return np.concatenate(
      [a.ref.mul(cos.ref).sub(c.ref.mul(sin.ref)), c.ref.mul(cos.ref).add(a.ref.mul(sin.ref))],
      -1,
    )
  }
  let x = np
    .take(weight('embed_tokens.weight'), ids.reshape([ROWS * length]), 0)
    .reshape([ROWS, length, hiddenSize])
  for (let layer = 0; layer < numLayers; layer++) {
    const n = norm(`layers.${layer}.input_layernorm`, x)
    const [q, k, value] = (['q', 'k', 'v'] as const).map((name) => linear(layer, name, n)) as [
      np.Array,
      np.Array,
      np.Array,
    ]
    const attended = nn.dotProductAttention(
      rotate(q, numHeads),
      rotate(k, numKvHeads),
      value.reshape([ROWS, length, numKvHeads, headDim]),
      { isCausal: true },
    )
    x = x.add(linear(layer, 'o', attended.reshape([ROWS, length, numHeads * headDim])))
    const mlp = norm(`layers.${layer}.post_attention_layernorm`, x)
    const gated = nn.silu(linear(layer, 'gate', mlp)).mul(linear(layer, 'up', mlp))
    x = x.add(linear(layer, 'down', gated))
  }
  const predicting = x.slice([], [PREFIX - 1, length - 1])
  const logits = np.matmul(norm('norm', predicting), np.matrixTranspose(weight('embed_tokens.weight')))
  // takeAlongAxis has no gradient under jit.
  return np.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, vocabSize)), [1, 2])
}
