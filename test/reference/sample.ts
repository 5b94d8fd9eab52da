import type { SampleSettings } from '../../src/kernels/sample.ts'
import { philox4x32, uniformOf } from '../../src/method/random.ts'
import { at } from '../support/numeric.ts'

/** What a row's draw goes by: which tokens are in play and how their probabilities add up, by id. */
export interface SampleRow {
  /** Ids in play, in the order (score descending, id ascending). */
  kept: number[]
  /** Probability of each token among those in play; 0 elsewhere. */
  probabilities: Float64Array
  /** The largest score's token, the lower id among equals. */
  greedy: number
}

/** Penalty and warpers by sorting, in float64; `seen` are token ids. */
export function warp(
  logits: ArrayLike<number>,
  seen: ReadonlySet<number>,
  { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 }: SampleSettings,
): SampleRow {
  // The penalty's rounding decides which scores tie, so it is done in f32 as on the GPU.
  const [up, down] = [Math.fround(repetitionPenalty), Math.fround(1 / repetitionPenalty)]
  const scores = Float64Array.from(logits, (l, id) =>
    seen.has(id) && repetitionPenalty !== 1 ? Math.fround(l * (l < 0 ? up : down)) : l,
  )
  const order = Array.from(scores, (_, id) => id).sort((a, b) => at(scores, b) - at(scores, a) || a - b)
  const greedy = at(order, 0)
  const best = at(scores, greedy)
  const weight = (id: number) => {
    const x = (at(scores, id) - best) / (temperature || 1)
    return x > -80 ? Math.exp(x) : 0
  }
  let kept = topK > 0 ? order.slice(0, topK) : order
  if (topP < 1) {
    const goal = topP * kept.reduce((sum, id) => sum + weight(id), 0)
    let before = 0
    kept = kept.filter((id, i) => {
      const keep = i === 0 || before < goal
      before += weight(id)
      return keep
    })
  }
  kept = kept.filter((id) => weight(id) >= minP)
  const total = kept.reduce((sum, id) => sum + weight(id), 0)
  const probabilities = new Float64Array(logits.length)
  for (const id of kept) probabilities[id] = weight(id) / total
  return { kept, probabilities, greedy }
}

/** The first token, by id, at which the running sum of probabilities exceeds u; and how far u is from its edges. */
export function drawToken(probabilities: Float64Array, u: number): { token: number; margin: number } {
  let running = 0
  let last = 0
  for (let id = 0; id < probabilities.length; id++) {
    const p = at(probabilities, id)
    if (p === 0) continue
    last = id
    if (running + p > u) return { token: id, margin: Math.min(u - running, running + p - u) }
    running += p
  }
  return { token: last, margin: 0 }
}

/** The number a row's key (`SAMPLE_KEY`) draws. */
export function uniformOfKey(key: ArrayLike<number>): number {
  const counter = [at(key, 2), at(key, 3), at(key, 4), at(key, 5)] as const
  return uniformOf(philox4x32(counter, [at(key, 0), at(key, 1)])[0])
}

/** log softmax(logits) in float64. */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  let largest = -Infinity
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, at(logits, i))
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(at(logits, i) - largest)
  return Float64Array.from(logits, (l) => l - largest - Math.log(sum))
}
