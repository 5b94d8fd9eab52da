import { at } from '../support/numeric.ts'

/** What `src/kernels/logps.ts` computes for one row each. */
export interface LogpsTwin {
  logps: Float64Array
  lse: Float64Array
  argmax: Uint32Array
  entropy: Float64Array
  meanLogit: Float64Array
}

/** The language-model head in float64. hidden: (N, C), weight: (V, C), targets: (N). */
export function logpsForward(
  hidden: ArrayLike<number>,
  weight: ArrayLike<number>,
  targets: ArrayLike<number>,
  logitScale = 1,
): LogpsTwin {
  const rows = targets.length
  const cols = hidden.length / rows
  const vocabulary = weight.length / cols
  const twin: LogpsTwin = {
    logps: new Float64Array(rows),
    lse: new Float64Array(rows),
    argmax: new Uint32Array(rows),
    entropy: new Float64Array(rows),
    meanLogit: new Float64Array(rows),
  }
  for (let n = 0; n < rows; n++) {
    const logits = logitsOf(hidden, weight, n, cols, logitScale)
    const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    let sum = 0
    for (const x of logits) sum += Math.exp(x - largest)
    const lse = largest + Math.log(sum)
    let expected = 0
    let total = 0
    for (const x of logits) {
      expected += Math.exp(x - lse) * x
      total += x
    }
    const target = at(targets, n)
    twin.lse[n] = lse
    twin.logps[n] = target < vocabulary ? at(logits, target) - lse : 0
    twin.argmax[n] = logits.indexOf(largest)
    twin.entropy[n] = lse - expected
    twin.meanLogit[n] = total / vocabulary
  }
  return twin
}

/** Gradient of `logpsForward`'s log-probabilities to hidden, for the cotangent `dlogps`. */
export function logpsBackward(
  hidden: ArrayLike<number>,
  weight: ArrayLike<number>,
  targets: ArrayLike<number>,
  dlogps: ArrayLike<number>,
  logitScale = 1,
): Float64Array {
  const cols = hidden.length / targets.length
  const vocabulary = weight.length / cols
  const { lse } = logpsForward(hidden, weight, targets, logitScale)
  const dhidden = new Float64Array(hidden.length)
  for (let n = 0; n < targets.length; n++) {
    if (at(targets, n) >= vocabulary) continue
    const logits = logitsOf(hidden, weight, n, cols, logitScale)
    for (let v = 0; v < vocabulary; v++) {
      const picked = v === at(targets, n) ? 1 : 0
      const slope = logitScale * at(dlogps, n) * (picked - Math.exp(at(logits, v) - at(lse, n)))
      for (let c = 0; c < cols; c++) {
        dhidden[n * cols + c] = at(dhidden, n * cols + c) + slope * at(weight, v * cols + c)
      }
    }
  }
  return dhidden
}

function logitsOf(
  hidden: ArrayLike<number>,
  weight: ArrayLike<number>,
  row: number,
  cols: number,
  logitScale: number,
): Float64Array {
  return Float64Array.from({ length: weight.length / cols }, (_, v) => {
    let dot = 0
    for (let c = 0; c < cols; c++) dot += at(hidden, row * cols + c) * at(weight, v * cols + c)
    return logitScale * dot
  })
}
