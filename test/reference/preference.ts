import type { PreferenceSettings } from '../../src/method/losses.ts'
import { type PreferenceBatch, preferenceLoss } from '../../src/method/preference.ts'
import { at } from '../support/numeric.ts'

/** What stands beside every answer token; answers in order chosen, rejected of pair 0, then of pair 1, ... */
export interface AnswerTokens {
  logps: ArrayLike<number> // (N)
  entropy: ArrayLike<number> // (N)
  meanLogit: ArrayLike<number> // (N)
  argmax: ArrayLike<number> // (N)
  targets: ArrayLike<number> // (N)
  offsets: ArrayLike<number> // (2B + 1)
}

/** `src/kernels/preference.ts` in float64, from tokens to tokens; the losses are those of `src/method`. */
export function preferenceTokens(
  tokens: AnswerTokens,
  refLogps: ArrayLike<number>, // (B, 2)
  settings: PreferenceSettings,
  pairWeights?: ArrayLike<number>, // (B)
): { dlogps: Float64Array; answerLogps: Float64Array; metrics: Record<string, number> } {
  const { offsets } = tokens
  const answers = offsets.length - 1
  const answerSums = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: answers }, (_, s) => {
      let total = 0
      for (let t = at(offsets, s); t < at(offsets, s + 1); t++) total += at(values, t)
      return total
    })
  const hits = Array.from(tokens.targets, (target, t) => (target === at(tokens.argmax, t) ? 1 : 0))
  const [logps, entropy, logits, correct] = [tokens.logps, tokens.entropy, tokens.meanLogit, hits].map(
    answerSums,
  ) as [Float64Array, Float64Array, Float64Array, Float64Array]
  const counts = Array.from({ length: answers }, (_, s) => at(offsets, s + 1) - at(offsets, s))
  const batch: PreferenceBatch = {
    policyChosenLogps: side(logps, 0),
    policyRejectedLogps: side(logps, 1),
    refChosenLogps: side(refLogps, 0),
    refRejectedLogps: side(refLogps, 1),
    chosenTokens: side(counts, 0),
    rejectedTokens: side(counts, 1),
    ...(pairWeights ? { pairWeights } : {}),
  }
  const result = preferenceLoss(batch, settings)
  const dlogps = new Float64Array(tokens.logps.length)
  for (let s = 0; s < answers; s++) {
    const slopes = s % 2 === 0 ? result.dChosenLogps : result.dRejectedLogps
    dlogps.fill(at(slopes, Math.floor(s / 2)), at(offsets, s), at(offsets, s + 1))
  }
  const total = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0)
  const mean = (sums: ArrayLike<number>, parity: 0 | 1): number =>
    total(side(sums, parity)) / Math.max(1, total(side(counts, parity)))
  return {
    dlogps,
    answerLogps: logps,
    metrics: {
      loss: result.loss,
      ...result.metrics,
      'logits/chosen': mean(logits, 0),
      'logits/rejected': mean(logits, 1),
      entropy: total(entropy) / total(counts),
      mean_token_accuracy: mean(correct, 0),
      'tokens/chosen': total(side(counts, 0)),
      'tokens/rejected': total(side(counts, 1)),
    },
  }
}

/** Every second element: the chosen (0) or the rejected (1) answers' values. */
function side(values: ArrayLike<number>, parity: 0 | 1): number[] {
  return Array.from(values).filter((_, i) => i % 2 === parity)
}
