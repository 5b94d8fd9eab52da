import { expect, test } from 'vitest'
import { LOSS_TYPES, type LossType } from '../../src/method/losses.ts'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { preferenceTokens } from './preference.ts'

const random = new Random(5)
const offsets = [0, 2, 3, 3, 7, 9, 14]
const count = 16 // two tokens of padding
const logps = random.normals(count, 2)
const refLogps = random.normals(6, 4)
const side = {
  entropy: logps,
  meanLogit: logps,
  argmax: new Uint32Array(count),
  targets: new Uint32Array(count),
}

const run = (lossType: LossType, x: ArrayLike<number>) =>
  preferenceTokens({ ...side, offsets, logps: x }, refLogps, { lossType, beta: 0.3, labelSmoothing: 0.2 })

test.each(LOSS_TYPES)(
  'the reference gradient of %s by each token agrees with central differences',
  (type) => {
    const error = gradientError((x) => [run(type, x).metrics.loss ?? 0], logps, [1], run(type, logps).dlogps)
    expect(error).toBeLessThan(TOLERANCES.gradient)
  },
)

test('a gradient that reaches the padding is caught', () => {
  const wrong = run('sigmoid', logps).dlogps.fill(0.1, 14)
  expect(gradientError((x) => [run('sigmoid', x).metrics.loss ?? 0], logps, [1], wrong)).toBeGreaterThan(0.01)
})
