import { describe, expect, test } from 'vitest'
import { LOSS_TYPES, type LossType, resolvePreference } from '../../src/method/losses.ts'
import { type PreferenceBatch, preferenceLoss } from '../../src/method/preference.ts'
import golden from '../goldens/preference.json' with { type: 'json' }
import { at, gradientError, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

// TRL itself keeps exo_pair's smoothing and the accuracies in float32, hence 1e-7 and not less.
for (const { refChosenLogps, refRejectedLogps, pairWeights, tokens, cases } of golden.batches) {
  const pairs = refChosenLogps.length
  const sums = tokens.logps.map(sum)
  const lengths = tokens.logps.map((answer) => answer.length)
  const batch: PreferenceBatch = {
    policyChosenLogps: sums.slice(0, pairs),
    policyRejectedLogps: sums.slice(pairs),
    refChosenLogps,
    refRejectedLogps,
    chosenTokens: lengths.slice(0, pairs),
    rejectedTokens: lengths.slice(pairs),
  }
  describe(`a batch of ${pairs}`, () => {
    test.each(cases)(
      '$lossType with label_smoothing $labelSmoothing, weighted $weighted, equals TRL',
      (c) => {
        const result = preferenceLoss(c.weighted ? { ...batch, pairWeights } : batch, {
          lossType: c.lossType as LossType[],
          lossWeights: c.lossWeights,
          beta: c.beta,
          labelSmoothing: c.labelSmoothing,
        })
        expect(result.loss).toBeCloseTo(c.loss, 7)
        expect(relativeError(result.dChosenLogps, c.dChosenLogps)).toBeLessThan(1e-7)
        expect(relativeError(result.dRejectedLogps, c.dRejectedLogps)).toBeLessThan(1e-7)
        for (const [name, value] of Object.entries(result.metrics)) {
          expect(value, name).toBeCloseTo(at([c.metrics[name as keyof typeof c.metrics]], 0), 7)
        }
      },
    )
  })
}

test('the golden holds every loss', () => {
  const seen = new Set(golden.batches.flatMap((b) => b.cases.flatMap((c) => c.lossType)))
  expect([...seen].sort()).toEqual([...LOSS_TYPES].sort())
})

const random = new Random(3)
const pairs = 6
const refs = random.normals(2 * pairs, 3)
const weights = random.normals(pairs).map(Math.abs)
const point = random.normals(2 * pairs, 4)

/** The loss as a function of all policy sums, chosen first. */
function lossAt(lossType: LossType, x: ArrayLike<number>) {
  const values = Array.from(x)
  const sorting = lossType === 'aot' || lossType === 'aot_unpaired'
  return preferenceLoss(
    {
      policyChosenLogps: values.slice(0, pairs),
      policyRejectedLogps: values.slice(pairs),
      refChosenLogps: refs.slice(0, pairs),
      refRejectedLogps: refs.slice(pairs),
      chosenTokens: [1, 2, 3, 4, 5, 6],
      rejectedTokens: [4, 1, 7, 2, 2, 9],
      ...(sorting ? {} : { pairWeights: weights }),
    },
    { lossType, beta: 0.4, labelSmoothing: 0.1 },
  )
}

test.each(LOSS_TYPES)('the gradient of %s agrees with central differences', (lossType) => {
  const { dChosenLogps, dRejectedLogps } = lossAt(lossType, point)
  const error = gradientError(
    (x) => [lossAt(lossType, x).loss],
    point,
    [1],
    [...dChosenLogps, ...dRejectedLogps],
  )
  expect(error).toBeLessThan(TOLERANCES.gradient)
})

test('negative control: a gradient of the wrong sign on one answer is caught', () => {
  const { dChosenLogps, dRejectedLogps } = lossAt('sigmoid', point)
  const wrong = [...dChosenLogps, ...dRejectedLogps.map((g, i) => (i === 0 ? -g : g))]
  expect(gradientError((x) => [lossAt('sigmoid', x).loss], point, [1], wrong)).toBeGreaterThan(0.01)
})

test('a policy equal to its reference has loss log 2', () => {
  const logps = [-3, -5]
  const batch = {
    policyChosenLogps: logps,
    policyRejectedLogps: logps,
    refChosenLogps: logps,
    refRejectedLogps: logps,
    chosenTokens: [2, 3],
    rejectedTokens: [2, 3],
  }
  expect(preferenceLoss(batch, { lossType: 'sigmoid' }).loss).toBeCloseTo(Math.LN2, 12)
})

test('settings TRL refuses are refused', () => {
  expect(() => resolvePreference({ lossType: 'exo_pair' })).toThrow('label_smoothing: expected above 0')
  expect(() => resolvePreference({ lossType: ['sft', 'aot'] }, true)).toThrow('aot: expected no pair weights')
  expect(() => resolvePreference({ lossType: ['sft', 'ipo'], lossWeights: [1] })).toThrow('expected 2')
  expect(() => resolvePreference({ lossType: 'kto' as LossType })).toThrow('got kto')
  expect(() => resolvePreference({ lossType: 'sigmoid', beta: 0 })).toThrow('beta: expected a number above 0')
})
