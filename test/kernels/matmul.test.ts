import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { MatmulDesign } from '../../src/kernels/matmul.designs.ts'
import {
  createMatmul,
  createMatmulGradient,
  type Matmul,
  type MatmulGradient,
} from '../../src/kernels/matmul.ts'
import { allocateWeight, releaseWeight, uploadWeight } from '../../src/kernels/weight.ts'
import { matmulBackward, matmulForward } from '../reference/matmul.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, withProfile, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Kernels {
  matmul: Matmul
  gradient: MatmulGradient
}

const DESIGNS = ['narrow1', 'staged1', 'staged4', 'staged16', 'quads16', 'quads32', 'shared64'] as const

interface Variant {
  subgroups?: boolean
  design?: MatmulDesign
  /** Tile sizes and default designs of an adapter with a GPU behind it. */
  hardware?: boolean
}

async function createKernels({ hardware = false, ...options }: Variant): Promise<Kernels> {
  const own = await testGpu()
  const gpu = hardware ? withProfile(own, { isSoftware: false }) : own
  const [matmul, gradient] = await Promise.all([
    createMatmul(gpu, options),
    createMatmulGradient(gpu, options),
  ])
  return { matmul, gradient }
}

function problem(rows: number, inner: number, outer: number) {
  const random = new Random(rows * 10_000 + inner * 100 + outer)
  return {
    x: random.normals(rows * inner),
    weight: random.normals(outer * inner),
    bias: random.normals(outer),
    dout: random.normals(rows * outer),
  }
}

/** Forward with bias, gradient to the input, and the weight's gradient run twice. */
async function run(
  { matmul, gradient }: Kernels,
  [rows, inner, outer]: readonly [number, number, number],
  perturb = 0,
) {
  const gpu = await testGpu()
  const host = problem(rows, inner, outer)
  const changed = host.weight.map((w, i) => (i === 0 ? w + perturb : w))
  const x = gpu.upload(host.x, [rows, inner], 'x')
  const dout = gpu.upload(host.dout, [rows, outer], 'dout')
  const bias = gpu.upload(host.bias, [outer], 'bias')
  const weight = uploadWeight(gpu, changed, [outer, inner], 'weight')
  const y = poisoned(gpu, [rows, outer], 'y')
  const dinp = poisoned(gpu, [rows, inner], 'dinp')
  const dweight = zeros(gpu, [outer, inner], 'dweight')
  for (let pass = 0; pass < 2; pass++) {
    matmul.forward({ x, weight, bias, y })
    matmul.backwardInput({ dout, weight, dinp })
    gradient.backwardWeight({ dout, x, dweight })
  }
  const result = {
    y: await gpu.readF32(y),
    dinp: await gpu.readF32(dinp),
    dweight: await gpu.readF32(dweight),
  }
  gpu.release(x, dout, bias, y, dinp, dweight)
  releaseWeight(gpu, weight)
  return { host, result }
}

type Results = Awaited<ReturnType<typeof run>>['result']

function expectRight({ host, result }: Awaited<ReturnType<typeof run>>, inner: number): void {
  const backward = matmulBackward(host.x, host.weight, inner, host.dout)
  expectClose(result.y, matmulForward(host.x, host.weight, inner, host.bias), 'matmul', 'y')
  expectClose(result.dinp, backward.dinp, 'matmul', 'dinp')
  const twice = backward.dweight.map((v) => 2 * v)
  expectClose(result.dweight, twice, 'matmul', 'dweight')
}

/** Compares without printing thousands of numbers. */
function expectSameBits(actual: Results, expected: Results, what: string): void {
  for (const name of ['y', 'dinp', 'dweight'] as const) {
    const different = actual[name].filter((v, i) => !Object.is(v, expected[name][i])).length
    expect(different, `${what}: elements of ${name} that differ`).toBe(0)
  }
}

describe.each<Variant>([{ subgroups: true }, { subgroups: false }, { subgroups: true, hardware: true }])(
  'matmul with %o',
  (variant) => {
    let kernels: Kernels
    beforeAll(async () => {
      kernels = await createKernels(variant)
    })

    test.each([
      [1, 1, 1],
      [1, 64, 36],
      [3, 12, 8],
      [7, 33, 65],
      [16, 68, 36],
      [33, 65, 7],
      [65, 36, 100],
      [130, 4, 44],
      [140, 132, 136],
    ] as const)('(%i, %i) x (%i) agrees with float64, gradients accumulate', async (...shape) => {
      expectRight(await run(kernels, shape), shape[1])
    })

    test('repeats bit for bit', async () => {
      const first = await run(kernels, [33, 68, 36])
      const second = await run(kernels, [33, 68, 36])
      expectSameBits(second.result, first.result, 'repeat')
    })

    test('any shape agrees with float64', async () => {
      const any = fc.integer({ min: 1, max: 70 })
      const size = fc.oneof(
        any,
        any.map((n) => 4 * Math.ceil(n / 4)), // rows of whole vec4s take other paths
      )
      await fc.assert(
        fc.asyncProperty(size, size, size, async (...shape) =>
          expectRight(await run(kernels, shape), shape[1]),
        ),
        { numRuns: 8, seed: 1 },
      )
    })
  },
)

test.each([
  [1, 76, 52],
  [3, 300, 36],
  [13, 132, 20],
  [37, 72, 52],
  [140, 132, 136],
] as const)('every design in every tile size gives the same bits for (%i, %i) x (%i)', async (...shape) => {
  const reference = await run(await createKernels({ design: 'narrow4' }), shape)
  expectRight(reference, shape[1])
  for (const design of DESIGNS) {
    for (const hardware of [false, true]) {
      const kernels = await createKernels({ design, hardware })
      expectSameBits((await run(kernels, shape)).result, reference.result, `${design} ${hardware}`)
    }
  }
})

test('sums as long as those of a decoder agree with float64', async () => {
  const { host, result } = await run(await createKernels({}), [64, 1536, 192])
  expectClose(result.y, matmulForward(host.x, host.weight, 1536, host.bias), 'matmulLong', 'y')
})

test("a row's result does not depend on the rows beside it", async () => {
  const gpu = await testGpu()
  const { matmul } = await createKernels({})
  const host = problem(40, 64, 36)
  const weight = uploadWeight(gpu, host.weight, [36, 64], 'weight')
  const results: Float32Array[] = []
  for (const rows of [40, 9, 3, 1]) {
    const x = gpu.upload(host.x.slice(0, rows * 64), [rows, 64], 'x')
    const y = poisoned(gpu, [rows, 36], 'y')
    matmul.forward({ x, weight, y })
    results.push((await gpu.readF32(y)).slice(0, 36))
    gpu.release(x, y)
  }
  for (const result of results) expect(result).toEqual(results[0])
  releaseWeight(gpu, weight)
})

test('products can be scaled and accumulated', async () => {
  const gpu = await testGpu()
  const { matmul, gradient } = await createKernels({})
  const [rows, inner, outer] = [9, 20, 12]
  const host = problem(rows, inner, outer)
  const x = gpu.upload(host.x, [rows, inner], 'x')
  const dout = gpu.upload(host.dout, [rows, outer], 'dout')
  const bias = gpu.upload(host.bias, [outer], 'bias')
  const weight = uploadWeight(gpu, host.weight, [outer, inner], 'weight')
  const y = gpu.upload(host.dout, [rows, outer], 'y')
  const dinp = gpu.upload(host.x, [rows, inner], 'dinp')
  const dweight = zeros(gpu, [outer, inner], 'dweight')
  matmul.forward({ x, weight, bias, y, scale: 0.25, accumulate: true })
  matmul.backwardInput({ dout, weight, dinp, scale: -3, accumulate: true })
  gradient.backwardWeight({ dout, x, dweight, scale: 0.5 })
  const backward = matmulBackward(host.x, host.weight, inner, host.dout)
  const expected = matmulForward(host.x, host.weight, inner, host.bias, 0.25)
  expectClose(
    await gpu.readF32(y),
    expected.map((v, i) => v + at(host.dout, i)),
    'matmul',
    'y',
  )
  expectClose(
    await gpu.readF32(dinp),
    backward.dinp.map((v, i) => at(host.x, i) - 3 * v),
    'matmul',
    'dinp',
  )
  expectClose(
    await gpu.readF32(dweight),
    backward.dweight.map((v) => v / 2),
    'matmul',
    'dweight',
  )
  gpu.release(x, dout, bias, y, dinp, dweight)
  releaseWeight(gpu, weight)
})

test('negative control: one weight changed by 1% is seen', async () => {
  const kernels = await createKernels({})
  const { host, result } = await run(kernels, [33, 68, 36], 0.01)
  const { dinp } = matmulBackward(host.x, host.weight, 68, host.dout)
  expect(relativeError(result.y, matmulForward(host.x, host.weight, 68, host.bias))).toBeGreaterThan(
    TOLERANCES.matmul,
  )
  expect(relativeError(result.dinp, dinp)).toBeGreaterThan(TOLERANCES.matmul)
})

test('wrong shapes and formats are refused by name', async () => {
  const gpu = await testGpu()
  const { matmul, gradient } = await createKernels({})
  const x = zeros(gpu, [4, 64], 'x')
  const y = zeros(gpu, [4, 36], 'y')
  const weight = allocateWeight(gpu, 'f32', 36, 60, 'weight')
  const int8 = allocateWeight(gpu, 'int8', 36, 64, 'int8')
  expect(() => matmul.forward({ x, weight, y })).toThrow(
    'matmul.forward: expected weight (36, 64), got (36, 60)',
  )
  expect(() => matmul.backwardInput({ dout: y, weight, dinp: x })).toThrow(
    'matmul.backwardInput: expected dinp (4, 60), got (4, 64)',
  )
  expect(() => matmul.forward({ x, weight: int8, y })).toThrow('compiled for weights in f32, got int8')
  expect(() => gradient.backwardWeight({ dout: y, x, dweight: x })).toThrow(
    'matmul.backwardWeight: expected dweight (36, 64), got (4, 64)',
  )
  gpu.release(x, y)
  releaseWeight(gpu, weight)
  releaseWeight(gpu, int8)
})
