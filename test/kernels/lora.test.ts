import { describe, expect, test } from 'vitest'
import {
  type LoraDropout,
  loraPartialShape,
  loraThinShape,
  type RowRange,
} from '../../src/kernels/lora.calls.ts'
import { createLora } from '../../src/kernels/lora.ts'
import { loraBackward, loraForward, loraKeep, loraMerge } from '../reference/lora.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Case {
  /** (T, in, out, r) */
  size: readonly [rows: number, inputs: number, outputs: number, rank: number]
  subgroups: boolean
  dropout?: LoraDropout
  rows?: RowRange
  /** Added to the first element of B on the GPU only. */
  perturb?: number
}

const scaling = 0.5

async function run({ size, subgroups, dropout, rows, perturb = 0 }: Case) {
  const [T, inputs, outputs, rank] = size
  const gpu = await testGpu()
  const lora = await createLora(gpu, { subgroups })
  const random = new Random(T + inputs + outputs + rank)
  const host = {
    x: random.normals(T * inputs),
    a: random.normals(rank * inputs),
    b: random.normals(outputs * rank),
    dout: random.normals(T * outputs),
    y: random.normals(T * outputs),
    dx: random.normals(T * inputs),
    weight: random.normals(outputs * inputs),
  }
  // Rows outside the range are NaN where they are read: they must not show in any result.
  const { start, end } = rows ?? { start: 0, end: T }
  const masked = (values: Float32Array<ArrayBuffer>, cols: number) =>
    values.map((v, i) => (i >= start * cols && i < end * cols ? v : Number.NaN))
  const x = gpu.upload(masked(host.x, inputs), [T, inputs], 'x')
  const dout = gpu.upload(masked(host.dout, outputs), [T, outputs], 'dout')
  const loraA = gpu.upload(host.a, [rank, inputs], 'loraA')
  const loraB = gpu.upload(
    host.b.map((v, i) => (i === 0 ? v + perturb : v)),
    [outputs, rank],
    'loraB',
  )
  const y = gpu.upload(host.y, [T, outputs], 'y')
  const dx = gpu.upload(host.dx, [T, inputs], 'dx')
  const weight = gpu.upload(host.weight, [outputs, inputs], 'weight')
  const xa = poisoned(gpu, loraThinShape(T, rank), 'xa')
  const dxa = poisoned(gpu, loraThinShape(T, rank), 'dxa')
  const dloraA = zeros(gpu, [rank, inputs], 'dloraA')
  const dloraB = zeros(gpu, [outputs, rank], 'dloraB')
  const partialA = poisoned(gpu, loraPartialShape(T, rank, inputs), 'partialA')
  const partialB = poisoned(gpu, loraPartialShape(T, rank, outputs), 'partialB')
  lora.down({ x, loraA, xa, rows, dropout })
  lora.up({ xa, loraB, y, scaling, rows })
  for (let pass = 0; pass < 2; pass++) {
    lora.backwardXa({ dout, loraB, dxa, scaling, rows })
    lora.backwardB({ dout, xa, dloraB, partial: partialB, scaling, rows })
    lora.backwardA({ x, dxa, dloraA, partial: partialA, rows, dropout })
  }
  lora.backwardX({ dxa, loraA, dx, rows, dropout })
  lora.merge({ weight, loraA, loraB, scaling })
  const result = {
    xa: await gpu.readF32(xa),
    y: await gpu.readF32(y),
    dxa: await gpu.readF32(dxa),
    da: await gpu.readF32(dloraA),
    db: await gpu.readF32(dloraB),
    dx: await gpu.readF32(dx),
    merged: await gpu.readF32(weight),
    unmerged: new Float32Array(),
  }
  lora.merge({ weight, loraA, loraB, scaling: -scaling })
  result.unmerged = await gpu.readF32(weight)
  gpu.release(x, dout, loraA, loraB, y, dx, weight, xa, dxa, dloraA, dloraB, partialA, partialB)
  return { host, result }
}

/** What the reference makes of the rows in the range alone; the others keep what was there. */
function expected({ size, dropout, rows }: Case, host: Awaited<ReturnType<typeof run>>['host']) {
  const [T, inputs, outputs, rank] = size
  const inside = (i: number, cols: number) => {
    const row = Math.floor(i / cols)
    return row >= (rows?.start ?? 0) && row < (rows?.end ?? T)
  }
  const keep = dropout ? loraKeep(T, inputs, dropout) : new Float64Array(T * inputs).fill(1)
  const shape = { rows: T, inputs, outputs, rank, scaling, keep }
  const x = host.x.map((v, i) => (inside(i, inputs) ? v : 0))
  const dout = host.dout.map((v, i) => (inside(i, outputs) ? v : 0))
  const forward = loraForward(shape, x, host.a, host.b)
  const backward = loraBackward(shape, x, host.a, host.b, dout)
  const padded = loraThinShape(T, rank)[1]
  const thin = (values: Float64Array) =>
    Float64Array.from({ length: T * padded }, (_, i) => {
      if (!inside(i, padded)) return Number.NaN
      return i % padded < rank ? at(values, Math.floor(i / padded) * rank + (i % padded)) : 0
    })
  return {
    xa: thin(forward.xa),
    y: forward.y.map((v, i) => v + at(host.y, i)),
    dxa: thin(backward.dxa),
    da: backward.da.map((g) => 2 * g),
    db: backward.db.map((g) => 2 * g),
    dx: backward.dx.map((v, i) => v + at(host.dx, i)),
    merged: loraMerge(shape, host.weight, host.a, host.b),
    unmerged: Float64Array.from(host.weight),
  }
}

async function prove(test: Case): Promise<void> {
  const { host, result } = await run(test)
  const reference = expected(test, host)
  for (const name of ['xa', 'y', 'dxa', 'da', 'db', 'dx', 'merged', 'unmerged'] as const) {
    // Thin rows outside the range must still be the poison they were.
    const touched = (v: number) => !Number.isNaN(v)
    expect(result[name].map((v) => Number(touched(v)))).toEqual(
      Float32Array.from(reference[name], (v) => Number(touched(v))),
    )
    expectClose(
      result[name].filter(touched),
      reference[name].filter(touched),
      'lora',
      `${name} (${test.size})`,
    )
  }
}

const dropout = { rate: 0.3, seed: 11, batch: 4, module: 9 }

describe.each([true, false])('lora with subgroups: %s', (subgroups) => {
  test.each([
    { size: [1, 1, 1, 1] },
    { size: [7, 33, 65, 8] },
    { size: [33, 65, 7, 3] },
    { size: [65, 132, 70, 16] },
    { size: [9, 64, 33, 129] },
  ] as const)('$size agrees with float64, and gradients accumulate', ({ size }) => prove({ size, subgroups }))

  test('a layer of 576 x 192 at rank 8', () => prove({ size: [70, 576, 192, 8], subgroups }))

  test.each([
    { rows: { start: 3, end: 30 } },
    { rows: { start: 16, end: 17 } },
    { rows: { start: 8, end: 33 } },
  ])('with dropout, only rows $rows.start to $rows.end take part', ({ rows }) =>
    prove({ size: [33, 65, 34, 10], subgroups, dropout, rows }),
  )

  test('dropout over all rows', () => prove({ size: [70, 33, 65, 5], subgroups, dropout }))

  test('repeats bit for bit', async () => {
    const first = await run({ size: [65, 33, 65, 7], subgroups, dropout })
    const second = await run({ size: [65, 33, 65, 7], subgroups, dropout })
    expect(second.result).toEqual(first.result)
  })

  test('a row gives the same whatever else is in the batch', async () => {
    const [long, short] = [await run({ size: [65, 33, 40, 7], subgroups }), { T: 9 }]
    const gpu = await testGpu()
    const lora = await createLora(gpu, { subgroups })
    const x = gpu.upload(long.host.x.slice(0, short.T * 33), [short.T, 33], 'x')
    const loraA = gpu.upload(long.host.a, [7, 33], 'loraA')
    const xa = poisoned(gpu, loraThinShape(short.T, 7), 'xa')
    lora.down({ x, loraA, xa })
    const result = await gpu.readF32(xa)
    expect(result).toEqual(long.result.xa.slice(0, result.length))
    gpu.release(x, loraA, xa)
  })
})

test('negative controls: a changed B, another batch of dropout, another scaling are seen', async () => {
  const size = [33, 65, 34, 8] as const
  const test: Case = { size, subgroups: true, dropout }
  const { host, result } = await run(test)
  const changed = await run({ ...test, perturb: 0.01 })
  expect(relativeError(changed.result.y, expected(test, host).y)).toBeGreaterThan(TOLERANCES.lora)
  const later = expected({ ...test, dropout: { ...dropout, batch: 5 } }, host)
  expect(relativeError(result.dx, later.dx)).toBeGreaterThan(0.1)
})

test('wrong shapes, ranges and rates are refused by name', async () => {
  const gpu = await testGpu()
  const lora = await createLora(gpu)
  const x = zeros(gpu, [4, 65], 'x')
  const loraA = zeros(gpu, [6, 65], 'loraA')
  const xa = zeros(gpu, [4, 8], 'xa')
  const narrow = zeros(gpu, [4, 6], 'narrow')
  const loraB = zeros(gpu, [33, 6], 'loraB')
  const y = zeros(gpu, [4, 65], 'y')
  expect(() => lora.down({ x, loraA, xa: narrow })).toThrow('lora.down: expected xa (4, 8), got (4, 6)')
  expect(() => lora.up({ xa, loraB, y, scaling: 1 })).toThrow('lora.up: expected loraB (65, 6), got (33, 6)')
  expect(() => lora.down({ x, loraA, xa, rows: { start: 2, end: 5 } })).toThrow(
    'lora.down: expected a range within rows 0 to 4, got 2 to 5',
  )
  expect(() => lora.down({ x, loraA, xa, dropout: { ...dropout, rate: 1 } })).toThrow(
    'expected a dropout rate in [0, 1), got 1',
  )
  expect(() => lora.backwardA({ x, dxa: xa, dloraA: loraA, partial: narrow })).toThrow(
    'lora.backwardA: expected partial (4, 6, 65), got (4, 6)',
  )
  gpu.release(x, loraA, xa, narrow, loraB, y)
})
