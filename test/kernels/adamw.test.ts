import { expect, test } from 'vitest'
import { createAdamW, gradNormScratchShape } from '../../src/kernels/adamw.ts'
import golden from '../goldens/adamw.json' with { type: 'json' }
import { adamWStep, adamWTwin, clipFactor } from '../reference/adamw.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Step {
  lr: number
  grads: readonly ArrayLike<number>[]
}

/** Trains several tensors; returns them after every step, with the norm. */
async function train(initial: readonly ArrayLike<number>[], steps: readonly Step[], maxNorm: number) {
  const gpu = await testGpu()
  const adamw = await createAdamW(gpu)
  const states = initial.map((values, k) => ({
    param: gpu.upload(Float32Array.from(values), [values.length], `param ${k}`),
    grad: poisoned(gpu, [values.length], `grad ${k}`),
    expAvg: zeros(gpu, [values.length], `expAvg ${k}`),
    expAvgSq: zeros(gpu, [values.length], `expAvgSq ${k}`),
  }))
  const grads = states.map((s) => s.grad)
  const partials = poisoned(gpu, gradNormScratchShape(grads), 'partials')
  const norm = poisoned(gpu, [3], 'norm')
  const trajectory: { params: Float32Array[]; norm: Float32Array }[] = []
  for (const [i, step] of steps.entries()) {
    for (const [k, grad] of grads.entries()) gpu.stream.write(grad, Float32Array.from(step.grads[k] ?? []))
    adamw.gradNorm({ grads, partials, norm, maxNorm })
    for (const state of states)
      adamw.step({ ...state, norm, lr: step.lr, t: i + 1, settings: golden.settings })
    const params = []
    for (const state of states) params.push(await gpu.readF32(state.param))
    trajectory.push({ params, norm: await gpu.readF32(norm) })
  }
  gpu.release(partials, norm, ...states.flatMap((s) => Object.values(s)))
  return trajectory
}

test('ten clipped steps equal those of torch', async () => {
  const trajectory = await train(golden.initial, golden.steps, golden.maxNorm)
  golden.steps.forEach(({ norm, parameters }, i) => {
    const ours = trajectory[i]
    expectClose([at(ours?.norm ?? [], 0)], [norm], 'adamw', `norm ${i}`)
    expectClose(
      (ours?.params ?? []).flatMap((p) => [...p]),
      parameters.flat(),
      'adamw',
      `params ${i}`,
    )
  })
})

/** Tensors of awkward sizes, one over several workgroups of the norm. */
function randomRun(seed: number, sizes = [1, 7, 33, 65, 1025, 9001]) {
  const random = new Random(seed)
  const initial = sizes.map((n) => random.normals(n))
  const steps = [1, 2, 3].map((t) => ({ lr: 0.01 / t, grads: sizes.map((n) => random.normals(n)) }))
  return { initial, steps }
}

test.each([0, 1, 1e4])('tensors of awkward sizes with max_norm %d agree with float64', async (maxNorm) => {
  const { initial, steps } = randomRun(1)
  const trajectory = await train(initial, steps, maxNorm)
  const twin = adamWTwin(initial)
  steps.forEach(({ lr, grads }, i) => {
    adamWStep(twin, grads, lr, i + 1, maxNorm, golden.settings)
    const { norm, factor } = clipFactor(grads, maxNorm)
    expectClose(trajectory[i]?.norm ?? [], [norm, factor, 0], 'adamw', `norm ${i}`)
    twin.params.forEach((expected, k) => {
      expectClose(trajectory[i]?.params[k] ?? [], expected, 'adamw', `param ${k} step ${i}`)
    })
  })
})

test('repeats bit for bit', async () => {
  const { initial, steps } = randomRun(2)
  expect(await train(initial, steps, 1)).toEqual(await train(initial, steps, 1))
})

test.each([
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['a square beyond f32', 1e30],
])('%s in a gradient is flagged, and nothing moves', async (_, bad) => {
  const { initial, steps } = randomRun(3, [7, 4100])
  const first = { lr: 0.1, grads: steps[0]?.grads.map((g) => Float32Array.from(g)) ?? [] }
  first.grads[1]?.set([bad], 4099)
  const [step] = await train(initial, [first], 1)
  expect(step?.norm.slice(1)).toEqual(Float32Array.of(0, 1))
  expect(step?.params).toEqual(initial)
})

test('gradients are set to zero', async () => {
  const gpu = await testGpu()
  const adamw = await createAdamW(gpu)
  const grad = poisoned(gpu, [33], 'grad')
  adamw.zero([grad])
  expect(await gpu.readF32(grad)).toEqual(new Float32Array(33))
  gpu.release(grad)
})

test('negative control: a learning rate changed by 1% is seen', async () => {
  const { initial, steps } = randomRun(1)
  const last = (
    await train(
      initial,
      steps.map((s) => ({ ...s, lr: 1.01 * s.lr })),
      1,
    )
  ).at(-1)
  const twin = adamWTwin(initial)
  steps.forEach(({ lr, grads }, i) => {
    adamWStep(twin, grads, lr, i + 1, 1, golden.settings)
  })
  expect(relativeError(last?.params[5] ?? [], twin.params[5] ?? [])).toBeGreaterThan(TOLERANCES.adamw)
})

test('wrong shapes and steps are refused by name', async () => {
  const gpu = await testGpu()
  const adamw = await createAdamW(gpu)
  const [param, expAvg, expAvgSq] = ['param', 'expAvg', 'expAvgSq'].map((name) => zeros(gpu, [7], name))
  const grad = zeros(gpu, [8], 'grad')
  const norm = zeros(gpu, [3], 'norm')
  const partials = zeros(gpu, [1, 2], 'partials')
  if (!param || !expAvg || !expAvgSq) throw new Error('no tensors')
  const state = { param, expAvg, expAvgSq, norm, lr: 1 }
  expect(() => adamw.step({ ...state, grad, t: 1 })).toThrow('adamw.step: expected grad (7), got (8)')
  expect(() => adamw.step({ ...state, grad: norm, t: 0 })).toThrow('expected grad (7), got (3)')
  expect(() => adamw.step({ ...state, grad: param.reshape([7]), t: 0 })).toThrow('expected a step t of 1, 2')
  expect(() => adamw.gradNorm({ grads: [grad, param], partials, norm, maxNorm: 1 })).toThrow(
    'adamw.squareSums: expected partials (at least 2, 2), got (1, 2)',
  )
  gpu.release(param, expAvg, expAvgSq, grad, norm, partials)
})
