import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type AttentionOptions, attentionScratchShape, createAttention } from '../../src/kernels/attention.ts'
import {
  type AttentionLayout,
  causalLayout,
  fullLayout,
  packedLayout,
  queryRangesOf,
} from '../../src/kernels/packing.ts'
import {
  type AttentionCase,
  attentionBackward,
  attentionForward,
  seesByRanges,
} from '../reference/attention.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, withProfile } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

type Layout = Pick<AttentionLayout, 'queryRows' | 'keyRows' | 'ranges' | 'queryRanges'>
type Heads = readonly [numHeads: number, numKvHeads: number, headDim: number]

function hostData({ queryRows, keyRows }: Layout, [numHeads, numKvHeads, headDim]: Heads, seed = 1) {
  const random = new Random(seed)
  return {
    q: random.normals(queryRows * numHeads * headDim),
    k: random.normals(keyRows * numKvHeads * headDim),
    v: random.normals(keyRows * numKvHeads * headDim),
    dout: random.normals(queryRows * numHeads * headDim),
  }
}
type HostData = ReturnType<typeof hostData>

type Variant = Pick<AttentionOptions, 'design' | 'subgroups'>

async function run(layout: Layout, heads: Heads, host: HostData, variant: Variant) {
  const gpu = await testGpu()
  const [numHeads, numKvHeads, headDim] = heads
  const { queryRows, keyRows } = layout
  const attention = await createAttention(gpu, { headDim, ...variant })
  const queryShape = [queryRows, numHeads * headDim]
  const keyShape = [keyRows, numKvHeads * headDim]
  const tensors = {
    q: gpu.upload(host.q, queryShape, 'q'),
    k: gpu.upload(host.k, keyShape, 'k'),
    v: gpu.upload(host.v, keyShape, 'v'),
    ranges: gpu.upload(layout.ranges, [queryRows, 4], 'ranges'),
    out: poisoned(gpu, queryShape, 'out'),
    lse: poisoned(gpu, [queryRows, numHeads], 'lse'),
  }
  const more = {
    queryRanges: gpu.upload(layout.queryRanges, [keyRows, 2], 'queryRanges'),
    dout: gpu.upload(host.dout, queryShape, 'dout'),
    rows: poisoned(gpu, attentionScratchShape(queryRows, numHeads), 'rows'),
    dq: poisoned(gpu, queryShape, 'dq'),
    dk: poisoned(gpu, keyShape, 'dk'),
    dv: poisoned(gpu, keyShape, 'dv'),
  }
  attention.forward(tensors)
  for (let pass = 0; pass < 2; pass++) attention.backward({ ...tensors, ...more }) // twice: assigned, not accumulated
  const result = {
    out: await gpu.readF32(tensors.out),
    lse: await gpu.readF32(tensors.lse),
    dq: await gpu.readF32(more.dq),
    dk: await gpu.readF32(more.dk),
    dv: await gpu.readF32(more.dv),
  }
  gpu.release(...Object.values(tensors), ...Object.values(more))
  return result
}
type Result = Awaited<ReturnType<typeof run>>

function reference(layout: Layout, [numHeads, numKvHeads, headDim]: Heads, host: HostData): Result {
  const { queryRows, keyRows } = layout
  const sees = seesByRanges(layout.ranges)
  const c: AttentionCase = { queryRows, keyRows, numHeads, numKvHeads, headDim, scale: headDim ** -0.5, sees }
  const forward = attentionForward(c, host.q, host.k, host.v)
  const backward = attentionBackward(c, host.q, host.k, host.v, host.dout)
  const float32 = (x: Float64Array) => Float32Array.from(x)
  return {
    out: float32(forward.out),
    lse: float32(forward.lse),
    dq: float32(backward.dq),
    dk: float32(backward.dk),
    dv: float32(backward.dv),
  }
}

function expectAgreement(actual: Result, expected: Result): void {
  for (const name of ['out', 'lse', 'dq', 'dk', 'dv'] as const)
    expectClose(actual[name], expected[name], 'attention', name)
}

async function expectAgrees(layout: Layout, heads: Heads, variant: Variant, seed = 1): Promise<void> {
  const host = hostData(layout, heads, seed)
  expectAgreement(await run(layout, heads, host, variant), reference(layout, heads, host))
}

describe.each<[Variant, number, number]>([
  [{ design: 'quads', subgroups: true }, 16, 64],
  [{ design: 'quads', subgroups: false }, 32, 32],
  [{ design: 'tiles' }, 16, 64],
])('attention with %o', (variant, narrow, wide) => {
  test.each<[string, Layout, Heads]>([
    ['causal, 2 rows', causalLayout([2]), [1, 1, narrow]],
    ['causal, 7 and 33 rows', causalLayout([7, 33]), [6, 2, narrow]],
    ['causal, 65 rows', causalLayout([65]), [4, 2, narrow]],
    ['causal, more than a workgroup', causalLayout([150]), [1, 1, narrow]],
    ['full, three images', fullLayout([33, 1, 16]), [3, 3, wide]],
    ['packed', packedLayout([{ prefixLength: 33, segmentLengths: [7, 1, 18] }]), [9, 3, wide]],
    ['packed, no prefix', packedLayout([{ prefixLength: 0, segmentLengths: [17, 7] }]), [3, 1, narrow]],
  ])('%s: agrees with float64', async (_name, layout, heads) => {
    await expectAgrees(layout, heads, variant)
  })

  test('any packs and heads agree with float64', async () => {
    const pack = fc.record({
      prefixLength: fc.integer({ min: 0, max: 20 }),
      segmentLengths: fc.array(fc.integer({ min: 0, max: 18 }), { minLength: 1, maxLength: 4 }),
    })
    const shape = fc.record({
      packs: fc.array(pack, { minLength: 1, maxLength: 2 }),
      numKvHeads: fc.integer({ min: 1, max: 3 }),
      groupSize: fc.integer({ min: 1, max: 5 }),
      headDim: fc.constantFrom(narrow, wide),
      seed: fc.nat(1000),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ packs, numKvHeads, groupSize, headDim, seed }) => {
        const layout = packedLayout(packs)
        fc.pre(layout.pairs > layout.queryRows) // where each row sees itself alone, gradients are rounding
        await expectAgrees(layout, [numKvHeads * groupSize, numKvHeads, headDim], variant, seed)
      }),
      { numRuns: 15, seed: 1 },
    )
  })

  test('one row that sees itself copies v', async () => {
    const layout = causalLayout([1])
    const host = hostData(layout, [1, 1, narrow])
    const { out, dv, dq } = await run(layout, [1, 1, narrow], host, variant)
    expect(out).toEqual(host.v)
    expectClose(dv, host.dout, 'attention', 'dv of one row')
    expect(Math.max(...dq.map(Math.abs))).toBeLessThan(1e-5)
  })

  test('repeats bit for bit', async () => {
    const layout = packedLayout([{ prefixLength: 18, segmentLengths: [33, 7] }])
    const host = hostData(layout, [6, 2, narrow])
    const first = await run(layout, [6, 2, narrow], host, variant)
    expect(await run(layout, [6, 2, narrow], host, variant)).toEqual(first)
  })

  test('a prefix and its segment come out the same alone and inside a larger pack, bit for bit', async () => {
    const heads: Heads = [6, 2, narrow]
    const [before, prefix, between, segment, after] = [5, 21, 9, 19, 3]
    const alone = packedLayout([{ prefixLength: prefix, segmentLengths: [segment] }])
    const packed = packedLayout([
      { prefixLength: 2, segmentLengths: [before - 2] },
      { prefixLength: prefix, segmentLengths: [between, segment, after] },
    ])
    const host = hostData(packed, heads)
    const segmentStart = before + prefix + between
    /** The rows of the prefix and of the segment, of a tensor with one row a query or key. */
    const pick = (x: Float32Array<ArrayBuffer>) => {
      const cols = x.length / packed.queryRows
      const parts = [
        [before, prefix],
        [segmentStart, segment],
      ] as const
      return Float32Array.from(
        parts.flatMap(([start, count]) => [...x.slice(start * cols, (start + count) * cols)]),
      )
    }
    const hostAlone = { q: pick(host.q), k: pick(host.k), v: pick(host.v), dout: pick(host.dout) }
    // Without gradient from the others, the sums over a prefix's rows are over the same numbers and zeros.
    const cols = host.dout.length / packed.queryRows
    const ours = (row: number) =>
      (row >= before && row < before + prefix) || (row >= segmentStart && row < segmentStart + segment)
    const onlyOurs = host.dout.map((x, i) => (ours(Math.floor(i / cols)) ? x : 0))
    const a = await run(alone, heads, hostAlone, variant)
    const b = await run(packed, heads, { ...host, dout: onlyOurs }, variant)
    for (const name of ['out', 'lse', 'dq', 'dk', 'dv'] as const) expect(pick(b[name]), name).toEqual(a[name])
    const c = await run(packed, heads, host, variant)
    const keyCols = c.dk.length / packed.keyRows
    for (const name of ['dk', 'dv'] as const) {
      const own = (x: Float32Array<ArrayBuffer>) =>
        x.slice(segmentStart * keyCols, (segmentStart + segment) * keyCols)
      expect(own(c[name]), `${name} of the segment`).toEqual(own(b[name]))
    }
  })

  test('few queries read a cache: rows nobody sees may hold anything, a row that sees nothing gets zeros', async () => {
    const heads: Heads = [6, 2, narrow]
    const [numHeads, , headDim] = heads
    const keyRows = 90
    // A shared prefix of 40 rows, candidates with up to 12 rows of their own, and one that has nothing to see.
    const ranges = Uint32Array.from([0, 40, 42, 54, 0, 40, 55, 56, 0, 0, 0, 0, 0, 40, 78, 90, 0, 37, 42, 43])
    const layout = { queryRows: 5, keyRows, ranges, queryRanges: queryRangesOf(ranges, keyRows) }
    const host = hostData(layout, heads)
    const sees = seesByRanges(ranges)
    const expected = reference(layout, heads, host)
    const blind = 2
    const result = await run(layout, heads, host, variant)
    const seen = (x: Float32Array<ArrayBuffer>) => x.filter((_, i) => Math.floor(i / numHeads) !== blind)
    expectAgreement({ ...result, lse: seen(result.lse) }, { ...expected, lse: seen(expected.lse) })
    const row = numHeads * headDim
    for (const x of [result.out, result.dq])
      expect(x.slice(blind * row, (blind + 1) * row)).toEqual(new Float32Array(row))
    expect(result.lse[blind * numHeads]).toBe(Math.fround(-1e30))
    const unwritten = (x: Float32Array<ArrayBuffer>) =>
      x.map((value, i) => {
        const key = Math.floor(i / (x.length / keyRows))
        return [0, 1, 3, 4].some((query) => sees(query, key)) ? value : Number.NaN
      })
    const garbage = await run(layout, heads, { ...host, k: unwritten(host.k), v: unwritten(host.v) }, variant)
    expect(garbage.out).toEqual(result.out)
  })
})

test.each<[number, Variant]>([
  [4, { design: 'quads', subgroups: true }],
  [80, { design: 'quads', subgroups: true }],
  [128, { design: 'quads', subgroups: false }],
  [4, { design: 'tiles' }],
  [20, { design: 'tiles' }],
  [80, { design: 'tiles' }],
  [128, { design: 'tiles' }],
])('heads of %i columns agree with float64, with %o', async (headDim, variant) => {
  await expectAgrees(packedLayout([{ prefixLength: 9, segmentLengths: [8, 17] }]), [2, 1, headDim], variant)
})

test('a hardware adapter gets the design whose sums its registers hold', async () => {
  const gpu = await testGpu()
  const labels: string[] = []
  const watched = withProfile(gpu, { isSoftware: false })
  const compile = vi.spyOn(gpu, 'kernel').mockImplementation(async ({ shader, label }) => {
    labels.push(shader.path)
    return { label, dispatch: () => {} }
  })
  await createAttention(watched, { headDim: 64 })
  expect(labels).toContain('shaders/attention.tiles.wgsl')
  expect(labels).not.toContain('shaders/attention.wgsl')
  compile.mockRestore()
})

test.each<Variant>([{ design: 'quads' }, { design: 'tiles' }])(
  'negative control: one row that sees one key too many is seen, with %o',
  async (variant) => {
    const layout = packedLayout([{ prefixLength: 18, segmentLengths: [33, 7] }])
    const host = hostData(layout, [6, 2, 16])
    const expected = reference(layout, [6, 2, 16], host)
    const ranges = layout.ranges.slice()
    ranges[4 * 30 + 3] = 32
    const leaky = await run({ ...layout, ranges }, [6, 2, 16], host, variant)
    for (const name of ['out', 'lse', 'dq', 'dk', 'dv'] as const)
      expect(relativeError(leaky[name], expected[name]), name).toBeGreaterThan(100 * TOLERANCES.attention)
  },
)

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const attention = await createAttention(gpu, { headDim: 16 })
  const q = poisoned(gpu, [4, 96], 'q')
  const k = poisoned(gpu, [4, 32], 'k')
  const ranges = gpu.upload(causalLayout([4]).ranges, [4, 4], 'ranges')
  const lse = poisoned(gpu, [4, 6], 'lse')
  const out = poisoned(gpu, [4, 96], 'out')
  const args = { q, k, v: k, ranges, out, lse }
  expect(() => attention.forward({ ...args, lse: q })).toThrow(
    'attention.forward: expected lse (4, 6), got (4, 96)',
  )
  expect(() => attention.forward({ ...args, v: q })).toThrow(
    'attention.forward: expected v (4, 32), got (4, 96)',
  )
  expect(() => attention.forward({ ...args, ranges: q.prefix([4, 4]) })).toThrow(
    'attention.forward: expected ranges of u32, got f32',
  )
  expect(() => attention.forward({ ...args, q: q.prefix([4, 48]) })).toThrow(
    'attention.forward: expected a number of heads that 2 key heads divide, got 3',
  )
  expect(() => attention.forward({ ...args, q: q.prefix([4, 40]) })).toThrow(
    'attention.forward: expected q with a multiple of 16 columns, got 40',
  )
  await expect(createAttention(gpu, { headDim: 18 })).rejects.toThrow(
    'attention: expected headDim to be a multiple of 4 from 4 to 128, got 18',
  )
  gpu.release(q, k, ranges, lse, out)
})
