import {
  PAIR_LOSSES,
  type PairLossType,
  type PreferenceSettings,
  resolvePreference,
  smoothedLogistic,
} from './losses.ts'

/** A batch of B pairs: log-probabilities summed over each answer's tokens, and how many tokens those are. */
export interface PreferenceBatch {
  policyChosenLogps: ArrayLike<number> // (B)
  policyRejectedLogps: ArrayLike<number> // (B)
  refChosenLogps: ArrayLike<number> // (B)
  refRejectedLogps: ArrayLike<number> // (B)
  chosenTokens: ArrayLike<number> // (B)
  rejectedTokens: ArrayLike<number> // (B)
  /** Factor on each pair's loss, on each chosen token's for sft; default 1. */
  pairWeights?: ArrayLike<number> // (B)
}

export interface PreferenceResult {
  /** Sum over losses of weight times mean over the batch's pairs (sft: over its chosen tokens). */
  loss: number
  /** Derivative of `loss` by each chosen answer's log-probability; every token of the answer has the same. */
  dChosenLogps: Float64Array // (B)
  dRejectedLogps: Float64Array // (B)
  /** Means over the pairs, under TRL's names. */
  metrics: {
    'rewards/chosen': number
    'rewards/rejected': number
    'rewards/accuracies': number
    'rewards/margins': number
    'logps/chosen': number
    'logps/rejected': number
  }
}

/**
 * Preference loss of a batch, its gradients and metrics, as TRL 1.13's `DPOTrainer._compute_loss` defines them.
 * @throws {RangeError} for settings TRL refuses, an empty batch, or lengths that differ.
 */
export function preferenceLoss(batch: PreferenceBatch, settings: PreferenceSettings): PreferenceResult {
  const resolved = resolvePreference(settings, batch.pairWeights !== undefined)
  const { weights, beta, labelSmoothing } = resolved
  const pairs = batch.policyChosenLogps.length
  if (pairs === 0) throw new RangeError('preference: expected at least one pair, got none')
  for (const [name, values] of Object.entries(batch) as [string, ArrayLike<number>][]) {
    if (values.length !== pairs)
      throw new RangeError(`preference: expected ${name} (${pairs}), got (${values.length})`)
  }
  const dChosenLogps = new Float64Array(pairs)
  const dRejectedLogps = new Float64Array(pairs)
  let loss = 0
  const add = (i: number, weight: number, dc: number, dr: number): void => {
    dChosenLogps[i] = get(dChosenLogps, i) + weight * dc
    dRejectedLogps[i] = get(dRejectedLogps, i) + weight * dr
  }
  const indices = Array.from({ length: pairs }, (_, i) => i)
  const c = indices.map((i) => get(batch.policyChosenLogps, i) - get(batch.refChosenLogps, i))
  const r = indices.map((i) => get(batch.policyRejectedLogps, i) - get(batch.refRejectedLogps, i))

  for (const [type, formula] of Object.entries(PAIR_LOSSES)) {
    if (weights[type as PairLossType] === 0) continue
    for (const i of indices) {
      const weight = (weights[type as PairLossType] * (batch.pairWeights?.[i] ?? 1)) / pairs
      const slopes = formula(
        {
          c: get(c, i),
          r: get(r, i),
          chosenTokens: get(batch.chosenTokens, i),
          rejectedTokens: get(batch.rejectedTokens, i),
        },
        resolved,
      )
      loss += weight * slopes.loss
      add(i, weight, slopes.dc, slopes.dr)
    }
  }
  if (weights.aot !== 0) {
    const margins = indices.map((i) => get(batch.policyChosenLogps, i) - get(batch.policyRejectedLogps, i))
    const order = sortedOrder(margins)
    const refMargins = indices.map((i) => get(batch.refChosenLogps, i) - get(batch.refRejectedLogps, i))
    const refOrder = sortedOrder(refMargins)
    for (const k of indices) {
      const i = get(order, k)
      const term = smoothedLogistic(
        beta * (get(margins, i) - get(refMargins, get(refOrder, k))),
        labelSmoothing,
      )
      loss += (weights.aot * term.loss) / pairs
      add(i, weights.aot / pairs, beta * term.slope, -beta * term.slope)
    }
  }
  if (weights.aot_unpaired !== 0) {
    const [chosenOrder, rejectedOrder] = [sortedOrder(c), sortedOrder(r)]
    for (const k of indices) {
      const [i, j] = [get(chosenOrder, k), get(rejectedOrder, k)]
      const term = smoothedLogistic(beta * (get(c, i) - get(r, j)), labelSmoothing)
      loss += (weights.aot_unpaired * term.loss) / pairs
      add(i, weights.aot_unpaired / pairs, beta * term.slope, 0)
      add(j, weights.aot_unpaired / pairs, 0, -beta * term.slope)
    }
  }
  if (weights.sft !== 0) {
    const tokens = Math.max(1, sum(batch.chosenTokens))
    for (const i of indices) {
      const weight = (weights.sft * (batch.pairWeights?.[i] ?? 1)) / tokens
      loss -= weight * get(batch.policyChosenLogps, i)
      add(i, weight, -1, 0)
    }
  }
  return {
    loss,
    dChosenLogps,
    dRejectedLogps,
    metrics: {
      'rewards/chosen': (beta * sum(c)) / pairs,
      'rewards/rejected': (beta * sum(r)) / pairs,
      'rewards/accuracies': indices.filter((i) => get(c, i) > get(r, i)).length / pairs,
      'rewards/margins': (beta * (sum(c) - sum(r))) / pairs,
      'logps/chosen': sum(batch.policyChosenLogps) / pairs,
      'logps/rejected': sum(batch.policyRejectedLogps) / pairs,
    },
  }
}

/** Indices by ascending value; equal values keep their order. */
function sortedOrder(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((a, b) => get(values, a) - get(values, b))
}

function get(values: ArrayLike<number>, i: number): number {
  return values[i] ?? Number.NaN
}

function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += get(values, i)
  return total
}
