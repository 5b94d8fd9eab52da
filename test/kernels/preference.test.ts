import { describe, expect, test } from 'vitest'
import {
  createPreference,
  namePreferenceMetrics,
  PREFERENCE_METRICS,
  preferenceScratchShape,
} from '../../src/kernels/preference.ts'
import { LOSS_TYPES, type LossType, type PreferenceSettings } from '../../src/method/losses.ts'
import golden from '../goldens/preference.json' with { type: 'json' }
import { type AnswerTokens, preferenceTokens } from '../reference/preference.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Case {
  tokens: AnswerTokens
  refLogps: ArrayLike<number>
  settings: PreferenceSettings
  pairWeights?: ArrayLike<number> | undefined
  gradScale?: number
  subgroups?: boolean
}

/** Runs all four entry points, as a training step does. */
async function run({ tokens, refLogps, settings, pairWeights, gradScale = 1, subgroups = true }: Case) {
  const gpu = await testGpu()
  const preference = await createPreference(gpu, { subgroups })
  const count = tokens.logps.length
  const pairs = refLogps.length / 2
  const f32 = (values: ArrayLike<number>, shape: number[], label: string) =>
    gpu.upload(Float32Array.from(values), shape, label)
  const u32 = (values: ArrayLike<number>, label: string) =>
    gpu.upload(Uint32Array.from(values), [values.length], label)
  const input = {
    logps: f32(tokens.logps, [count], 'logps'),
    entropy: f32(tokens.entropy, [count], 'entropy'),
    meanLogit: f32(tokens.meanLogit, [count], 'meanLogit'),
    argmax: u32(tokens.argmax, 'argmax'),
    targets: u32(tokens.targets, 'targets'),
    offsets: u32(tokens.offsets, 'offsets'),
    refLogps: f32(refLogps, [pairs, 2], 'refLogps'),
    pairWeights: f32(pairWeights ?? [1], [pairWeights ? pairs : 1], 'pairWeights'),
  }
  const output = {
    policyLogps: poisoned(gpu, [pairs, 2], 'policyLogps'),
    stats: poisoned(gpu, [pairs, 2, 3], 'stats'),
    dAnswerLogps: poisoned(gpu, [pairs, 2], 'dAnswerLogps'),
    metrics: poisoned(gpu, [PREFERENCE_METRICS.length], 'metrics'),
    scratch: poisoned(gpu, preferenceScratchShape(pairs), 'scratch'),
    dlogps: poisoned(gpu, [count], 'dlogps'),
  }
  const { offsets } = input
  preference.answerSums({ values: input.logps, offsets, sums: output.policyLogps })
  preference.answerStats({ ...input, stats: output.stats })
  preference.loss({
    ...output,
    offsets,
    refLogps: input.refLogps,
    ...(pairWeights ? { pairWeights: input.pairWeights } : {}),
    settings,
    gradScale,
  })
  preference.tokenSlopes({ dAnswerLogps: output.dAnswerLogps, offsets, dlogps: output.dlogps })
  const result = {
    policyLogps: await gpu.readF32(output.policyLogps),
    dlogps: await gpu.readF32(output.dlogps),
    metrics: await gpu.readF32(output.metrics),
  }
  gpu.release(...Object.values(input), ...Object.values(output))
  return result
}

/** Answers of 0 to 9 tokens with numbers a trained model may have, and 3 tokens of padding. */
function randomCase(pairs: number, seed: number): { tokens: AnswerTokens; refLogps: Float32Array } {
  const random = new Random(seed)
  const offsets = [0]
  for (let s = 0; s < 2 * pairs; s++) offsets.push(at(offsets, s) + random.below(10))
  const count = at(offsets, 2 * pairs) + 3
  const tokens = {
    logps: random.normals(count).map((x) => -Math.abs(x)),
    entropy: random.normals(count),
    meanLogit: random.normals(count, 5),
    argmax: random.indices(count, 3),
    targets: random.indices(count, 3),
    offsets,
  }
  const refLogps = random.normals(2 * pairs, 3)
  return { tokens, refLogps }
}

function expectReference(result: Awaited<ReturnType<typeof run>>, c: Case): void {
  const expected = preferenceTokens(c.tokens, c.refLogps, c.settings, c.pairWeights)
  const scale = c.gradScale ?? 1
  const kind = c.settings.lossType === 'discopop' ? 'discopop' : 'preference'
  expectClose(result.policyLogps, expected.answerLogps, 'preference', 'policyLogps')
  expectClose(
    result.dlogps,
    expected.dlogps.map((g) => scale * g),
    kind,
    `dlogps ${c.settings.lossType}`,
  )
  expectClose(
    result.metrics,
    PREFERENCE_METRICS.map((name) => expected.metrics[name] ?? Number.NaN),
    kind,
    `metrics ${c.settings.lossType}`,
  )
}

describe.each([true, false])('preference with subgroups: %s', (subgroups) => {
  test.each([1, 7, 33, 65])('%i pairs under every loss agree with float64', async (pairs) => {
    const weights = new Random(pairs).normals(pairs).map(Math.abs)
    for (const lossType of LOSS_TYPES) {
      const sorting = lossType === 'aot' || lossType === 'aot_unpaired'
      const c: Case = {
        ...randomCase(pairs, pairs),
        settings: { lossType, beta: 0.2, labelSmoothing: 0.1 },
        pairWeights: sorting ? undefined : weights,
        gradScale: 0.25,
        subgroups,
      }
      expectReference(await run(c), c)
    }
  })
})

test('a weighted sum of all losses agrees with float64', async () => {
  const settings: PreferenceSettings = {
    lossType: LOSS_TYPES,
    lossWeights: LOSS_TYPES.map((_, i) => 0.1 * (i + 1)),
    beta: 0.5,
    labelSmoothing: 0.2,
  }
  const c: Case = { ...randomCase(33, 4), settings }
  expectReference(await run(c), c)
})

test('loss, gradients and metrics equal those of TRL', async () => {
  for (const { refChosenLogps, refRejectedLogps, pairWeights, tokens, cases } of golden.batches) {
    const pairs = refChosenLogps.length
    /** TRL's batch holds all chosen answers, then all rejected ones. */
    const interleave = <T>(answers: readonly T[]): T[] =>
      answers.slice(0, pairs).flatMap((chosen, i) => [chosen, answers[pairs + i] as T])
    const lengths = interleave(tokens.logps).map((answer) => answer.length)
    const offsets = [0]
    for (const length of lengths) offsets.push(at(offsets, offsets.length - 1) + length)
    const flat = {
      logps: interleave(tokens.logps).flat(),
      entropy: interleave(tokens.entropy).flat(),
      meanLogit: interleave(tokens.meanLogit).flat(),
      argmax: interleave(tokens.argmax).flat(),
      targets: interleave(tokens.targets).flat(),
      offsets,
    }
    for (const c of cases) {
      const result = await run({
        tokens: flat,
        refLogps: interleave([...refChosenLogps, ...refRejectedLogps]),
        settings: { ...c, lossType: c.lossType as LossType[] },
        pairWeights: c.weighted ? pairWeights : undefined,
      })
      const slopes = interleave([...c.dChosenLogps, ...c.dRejectedLogps])
      expectClose(
        result.dlogps,
        slopes.flatMap((slope, s) => Array.from({ length: at(lengths, s) }, () => slope)),
        'preference',
        `TRL dlogps ${c.lossType}`,
      )
      const metrics = namePreferenceMetrics(result.metrics)
      const names = Object.keys(c.metrics) as (keyof typeof c.metrics)[]
      expectClose(
        [metrics.loss, ...names.map((name) => metrics[name])],
        [c.loss, ...names.map((name) => c.metrics[name])],
        'preference',
        `TRL metrics ${c.lossType}`,
      )
    }
  }
})

test('repeats bit for bit', async () => {
  const c: Case = {
    ...randomCase(33, 9),
    settings: { lossType: ['aot', 'aot_unpaired', 'sigmoid'], beta: 0.3 },
  }
  expect(await run(c)).toEqual(await run(c))
})

test('a pair without preference has the same gradient for both orders of equal margins', async () => {
  const { tokens } = randomCase(7, 2)
  const equal = { ...tokens, logps: new Float32Array(tokens.logps.length) }
  const c: Case = {
    tokens: equal,
    refLogps: new Float32Array(14),
    settings: { lossType: 'aot', beta: 0.3 },
  }
  expectReference(await run(c), c)
})

test('negative control: a beta changed by 1% is seen', async () => {
  const c: Case = { ...randomCase(7, 3), settings: { lossType: 'sigmoid', beta: 0.303 } }
  const expected = preferenceTokens(c.tokens, c.refLogps, { lossType: 'sigmoid', beta: 0.3 })
  expect(relativeError((await run(c)).dlogps, expected.dlogps)).toBeGreaterThan(TOLERANCES.preference)
})

test('wrong shapes and settings are refused by name', async () => {
  const gpu = await testGpu()
  const preference = await createPreference(gpu)
  const logps = zeros(gpu, [4, 2], 'logps')
  const offsets = gpu.upload(new Uint32Array(8), [8], 'offsets')
  const right = gpu.upload(new Uint32Array(9), [9], 'offsets')
  const metrics = zeros(gpu, [PREFERENCE_METRICS.length], 'metrics')
  const scratch = zeros(gpu, preferenceScratchShape(4), 'scratch')
  const weights = zeros(gpu, [4], 'weights')
  const dAnswerLogps = zeros(gpu, [4, 2], 'dAnswerLogps')
  const common = { policyLogps: logps, refLogps: logps, dAnswerLogps, metrics, scratch, gradScale: 1 }
  expect(() => preference.loss({ ...common, offsets, settings: { lossType: 'sigmoid' } })).toThrow(
    'preference.loss: expected offsets (9), got (8)',
  )
  expect(() =>
    preference.loss({ ...common, offsets: right, pairWeights: weights, settings: { lossType: 'aot' } }),
  ).toThrow('aot: expected no pair weights')
  gpu.release(logps, offsets, right, metrics, scratch, weights, dAnswerLogps)
})
