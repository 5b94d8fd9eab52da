import { expect, test } from 'vitest'
import { at, gradientError, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { type LoraCase, loraBackward, loraForward, loraKeep, loraMerge } from './lora.ts'

const random = new Random(1)
const dropout = { rate: 0.25, seed: 7, batch: 3, module: 5 }
const [rows, inputs, outputs, rank, scaling] = [9, 7, 5, 3, 1.5]
const shape: LoraCase = { rows, inputs, outputs, rank, scaling, keep: loraKeep(rows, inputs, dropout) }
const x = random.normals(rows * inputs)
const a = random.normals(rank * inputs)
const b = random.normals(outputs * rank)
const dout = random.normals(rows * outputs)

test('the reference gradients of LoRA agree with central differences', () => {
  const { da, db, dx } = loraBackward(shape, x, a, b, dout)
  const limit = TOLERANCES.gradient
  expect(gradientError((p) => loraForward(shape, p, a, b).y, x, dout, dx)).toBeLessThan(limit)
  expect(gradientError((p) => loraForward(shape, x, p, b).y, a, dout, da)).toBeLessThan(limit)
  expect(gradientError((p) => loraForward(shape, x, a, p).y, b, dout, db)).toBeLessThan(limit)
})

test('a gradient that forgets the dropout mask is caught', () => {
  const { dx } = loraBackward({ ...shape, keep: shape.keep }, x, a, b, dout)
  const wrong = loraBackward({ ...shape, keep: new Float64Array(rows * inputs).fill(1) }, x, a, b, dout).dx
  expect(relativeError(wrong, dx)).toBeGreaterThan(0.01)
  expect(gradientError((p) => loraForward(shape, p, a, b).y, x, dout, wrong)).toBeGreaterThan(0.01)
})

test('a merged weight gives what layer and adapter give', () => {
  const keep = new Float64Array(rows * inputs).fill(1)
  const weight = random.normals(outputs * inputs)
  const merged = loraMerge({ ...shape, keep }, weight, a, b)
  const apply = (w: ArrayLike<number>) =>
    Float64Array.from({ length: rows * outputs }, (_, i) => {
      const [t, o] = [Math.floor(i / outputs), i % outputs]
      let sum = 0
      for (let c = 0; c < inputs; c++) sum += at(x, t * inputs + c) * at(w, o * inputs + c)
      return sum
    })
  const { y } = loraForward({ ...shape, keep }, x, a, b)
  expect(
    relativeError(
      apply(merged),
      apply(weight).map((v, i) => v + at(y, i)),
    ),
  ).toBeLessThan(1e-12)
})

test('dropout leaves out its share of elements, keeps the mean, and differs by every part of its key', () => {
  const [T, n] = [200, 100]
  const keep = loraKeep(T, n, dropout)
  const mean = keep.reduce((p, q) => p + q, 0) / keep.length
  const left = keep.filter((k) => k === 0).length / keep.length
  expect(Math.abs(left - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / keep.length))
  expect(Math.abs(mean - 1)).toBeLessThan(0.03)
  for (const other of [{ seed: 8 }, { batch: 4 }, { module: 6 }]) {
    const different = loraKeep(T, n, { ...dropout, ...other }).filter((k, i) => k !== keep[i]).length
    expect(different / keep.length).toBeGreaterThan(0.3) // 2 * 0.25 * 0.75 = 0.375 expected
  }
})
