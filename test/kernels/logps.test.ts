import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogps, type Logps, logpsScratchShapes } from '../../src/kernels/logps.ts'
import { createMatmul } from '../../src/kernels/matmul.ts'
import { releaseWeight, type ScaleFormat, uploadWeight, type WeightFormat } from '../../src/kernels/weight.ts'
import { logpsBackward, logpsForward } from '../reference/logps.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { randomWeight } from '../support/weights.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Storage {
  format?: WeightFormat
  scaleFormat?: ScaleFormat
  subgroups?: boolean
}

interface Case extends Storage {
  rows: number
  cols: number
  vocabulary: number
  /** About how large the logits are. Default 3. */
  size?: number
  logitScale?: number
  /** Use only the first rows of the case. */
  take?: number
  /** Added to one element of hidden on the GPU only. */
  perturb?: number
}

/** On one cheap design of the products: they all give the same bits, which the products' own tests prove. */
async function createHead(storage: Storage = {}): Promise<Logps> {
  const gpu = await testGpu()
  return createLogps(gpu, await createMatmul(gpu, { ...storage, design: 'narrow4' }), storage)
}

/** Runs the head forward, and backward twice. */
async function run({ rows, cols, vocabulary, size = 3, logitScale = 1, perturb = 0, ...options }: Case) {
  const gpu = await testGpu()
  const head = await createHead(options)
  const random = new Random(rows * 1000 + cols * 10 + vocabulary)
  const { weight, values } = randomWeight(
    gpu,
    random,
    options.format ?? 'f32',
    [vocabulary, cols],
    options.scaleFormat,
  )
  const rms = Math.sqrt(values.reduce((sum, w) => sum + w * w, 0) / values.length)
  const take = options.take ?? rows
  const all = {
    hidden: random.normals(rows * cols, size / (rms * Math.sqrt(cols) * logitScale)),
    // Now and then a target of padding.
    targets: random.indices(rows, vocabulary).map((t, i) => (i % 7 === 6 ? vocabulary + i : t)),
    dlogps: random.normals(rows),
  }
  const host = {
    values,
    hidden: all.hidden.slice(0, take * cols),
    targets: all.targets.slice(0, take),
    dlogps: all.dlogps.slice(0, take),
  }
  const shapes = logpsScratchShapes(take, vocabulary)
  const perturbed = host.hidden.map((h, i) => (i === 0 ? h + perturb : h))
  const tensors = {
    hidden: gpu.upload(perturbed, [take, cols], 'hidden'),
    targets: gpu.upload(host.targets, [take], 'targets'),
    dlogps: gpu.upload(host.dlogps, [take], 'dlogps'),
    logps: poisoned(gpu, [take], 'logps'),
    lse: poisoned(gpu, [take], 'lse'),
    argmax: gpu.tensor([take], 'argmax', 'u32'),
    entropy: poisoned(gpu, [take], 'entropy'),
    meanLogit: poisoned(gpu, [take], 'meanLogit'),
    dhidden: poisoned(gpu, [take, cols], 'dhidden'),
    logits: poisoned(gpu, shapes.logits, 'logits'),
    state: poisoned(gpu, shapes.state, 'state'),
  }
  head.forward({ ...tensors, weight, logitScale })
  for (let pass = 0; pass < 2; pass++) head.backward({ ...tensors, weight, logitScale })
  const result = {
    logps: await gpu.readF32(tensors.logps),
    lse: await gpu.readF32(tensors.lse),
    argmax: await gpu.readU32(tensors.argmax),
    entropy: await gpu.readF32(tensors.entropy),
    meanLogit: await gpu.readF32(tensors.meanLogit),
    dhidden: await gpu.readF32(tensors.dhidden),
  }
  releaseWeight(gpu, weight)
  gpu.release(...Object.values(tensors))
  return { host, result }
}

async function expectReference(c: Case): Promise<void> {
  const { host, result } = await run(c)
  const name = `${c.rows}x${c.cols}x${c.vocabulary} ${c.format ?? ''}`
  const twin = logpsForward(host.hidden, host.values, host.targets, c.logitScale)
  expectClose(result.logps, twin.logps, 'logps', `logps ${name}`)
  expectClose(result.lse, twin.lse, 'logps', `lse ${name}`)
  expectClose(result.entropy, twin.entropy, 'logps', `entropy ${name}`)
  // A mean of many logits of both signs is small against them: compared on the scale of the logits.
  expectClose([...result.meanLogit, c.size ?? 3], [...twin.meanLogit, c.size ?? 3], 'logps', `mean ${name}`)
  expect(result.argmax).toEqual(twin.argmax)
  const dhidden = logpsBackward(host.hidden, host.values, host.targets, host.dlogps, c.logitScale)
  expectClose(result.dhidden, dhidden, 'logpsGradient', `dhidden ${name}`)
}

describe.each([true, false])('logps with subgroups: %s', (subgroups) => {
  test.each([
    [1, 1, 2],
    [7, 33, 65],
    [33, 65, 257],
    [17, 64, 1031],
    [3, 8, 9001],
    [16, 576, 300],
  ])('(%i, %i) on a vocabulary of %i agrees with float64', async (rows, cols, vocabulary) => {
    await expectReference({ rows, cols, vocabulary, subgroups })
  })

  test('repeats bit for bit', async () => {
    const c = { rows: 33, cols: 65, vocabulary: 515, subgroups }
    expect((await run(c)).result).toEqual((await run(c)).result)
  })
})

test('a vocabulary of 100,003 agrees with float64', async () => {
  await expectReference({ rows: 5, cols: 24, vocabulary: 100_003 })
})

test.each([
  { format: 'f16', cols: 33 },
  { format: 'int8', cols: 20 }, // one group a row: two rows share a word of scales
  { format: 'int8', scaleFormat: 'f32', cols: 70 },
  { format: 'int4', cols: 70 },
] as const)('weights in $format, $cols columns, agree with float64 in every chunk', async (storage) => {
  await expectReference({ rows: 5, vocabulary: 4201, ...storage })
})

test('logits are scaled, forward and backward', async () => {
  await expectReference({ rows: 9, cols: 32, vocabulary: 200, logitScale: 0.25 })
})

test('logits of thousands neither overflow nor lose the entropy', async () => {
  const { host, result } = await run({ rows: 9, cols: 32, vocabulary: 600, size: 5000 })
  const twin = logpsForward(host.hidden, host.values, host.targets)
  expectClose(result.logps, twin.logps, 'logps')
  expectClose(result.lse, twin.lse, 'logps')
  expect(result.dhidden.every(Number.isFinite)).toBe(true)
  expect(result.entropy.every((h) => h > -1e-3 && h < Math.log(600))).toBe(true)
})

test('a row does not depend on the rows beside it', async () => {
  const c = { rows: 33, cols: 40, vocabulary: 700 }
  const [many, few] = [await run(c), await run({ ...c, take: 5 })]
  expect(many.result.logps.slice(0, 5)).toEqual(few.result.logps)
  expect(many.result.entropy.slice(0, 5)).toEqual(few.result.entropy)
  expect(many.result.dhidden.slice(0, 200)).toEqual(few.result.dhidden)
})

test('any shape agrees with float64', async () => {
  const shapes = fc.record({
    rows: fc.integer({ min: 1, max: 40 }),
    cols: fc.integer({ min: 1, max: 70 }),
    vocabulary: fc.integer({ min: 2, max: 1200 }),
    format: fc.constantFrom('f32', 'int4' as const),
    subgroups: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(shapes, (shape) => expectReference(shape)),
    { numRuns: 10, seed: 17 },
  )
})

test('negative control: one hidden state changed by 1% is seen', async () => {
  const { host, result } = await run({ rows: 5, cols: 33, vocabulary: 300, perturb: 0.01 })
  const twin = logpsForward(host.hidden, host.values, host.targets)
  expect(relativeError(result.logps, twin.logps)).toBeGreaterThan(TOLERANCES.logps)
})

test('log-probabilities of all targets add up to 1', async () => {
  const gpu = await testGpu()
  const head = await createHead()
  const [vocabulary, cols] = [37, 12]
  const random = new Random(8)
  const one = random.normals(cols)
  const hidden = Float32Array.from({ length: vocabulary * cols }, (_, i) => at(one, i % cols))
  const weight = uploadWeight(gpu, random.normals(vocabulary * cols), [vocabulary, cols], 'weight')
  const shapes = logpsScratchShapes(vocabulary, vocabulary)
  const tensors = {
    hidden: gpu.upload(hidden, [vocabulary, cols], 'hidden'),
    targets: gpu.upload(
      Uint32Array.from({ length: vocabulary }, (_, i) => i),
      [vocabulary],
      'targets',
    ),
    logps: poisoned(gpu, [vocabulary], 'logps'),
    lse: poisoned(gpu, [vocabulary], 'lse'),
    argmax: gpu.tensor([vocabulary], 'argmax', 'u32'),
    entropy: poisoned(gpu, [vocabulary], 'entropy'),
    meanLogit: poisoned(gpu, [vocabulary], 'meanLogit'),
    logits: poisoned(gpu, shapes.logits, 'logits'),
    state: poisoned(gpu, shapes.state, 'state'),
  }
  head.forward({ ...tensors, weight })
  const logps = await gpu.readF32(tensors.logps)
  expect(logps.reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1, 5)
  gpu.release(...Object.values(tensors))
  releaseWeight(gpu, weight)
})

test('wrong shapes and formats are refused by name', async () => {
  const gpu = await testGpu()
  const head = await createHead()
  const weight = uploadWeight(gpu, new Float32Array(40), [10, 4], 'weight')
  const hidden = zeros(gpu, [3, 4], 'hidden')
  const wide = zeros(gpu, [3, 5], 'hidden')
  const row = zeros(gpu, [3], 'row')
  const targets = gpu.upload(new Uint32Array(3), [3], 'targets')
  const logits = zeros(gpu, [3, 10], 'logits')
  const args = { weight, targets, lse: row, dlogps: row, dhidden: wide, logits }
  expect(() => head.backward({ ...args, hidden: wide })).toThrow(
    'logps.backward: expected hidden (3, 4), got (3, 5)',
  )
  expect(() => head.backward({ ...args, hidden, logits: hidden })).toThrow(
    'logps.backward: expected logits (3, 10), got (3, 4)',
  )
  expect(() => head.backward({ ...args, hidden, targets: row })).toThrow('expected targets of u32, got f32')
  const int8 = await createHead({ format: 'int8' })
  expect(() => int8.backward({ ...args, hidden, dhidden: hidden })).toThrow(
    'compiled for weights in int8, got f32',
  )
  gpu.release(hidden, wide, row, targets, logits)
  releaseWeight(gpu, weight)
})
