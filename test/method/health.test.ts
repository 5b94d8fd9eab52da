import { describe, expect, test } from 'vitest'
import { type Ailment, type HealthFigures, HealthMonitor } from '../../src/method/health.ts'
import golden from '../goldens/dpo-trainer/golden.json'

const WELL: HealthFigures = {
  step: 0,
  loss: 0.6,
  grad_norm: 2,
  'rewards/chosen': 0,
  'logps/chosen': -50,
  'logps/rejected': -60,
}

/** What a monitor says of a stream of steps, and when. */
function firstAilment(steps: readonly Partial<HealthFigures>[], beta = 0.1): Ailment | undefined {
  const monitor = new HealthMonitor(beta)
  for (const [i, step] of steps.entries()) {
    const ailment = monitor.check({ ...WELL, ...step, step: i + 1 })
    if (ailment) return ailment
  }
  return undefined
}

const steps = (count: number, of: (i: number) => Partial<HealthFigures>): Partial<HealthFigures>[] =>
  Array.from({ length: count }, (_, i) => of(i))
/** Chosen answers that lost `nats` against a reference of -50. */
const fallen = (nats: number): Partial<HealthFigures> => ({
  'logps/chosen': -50 - nats,
  'rewards/chosen': -0.1 * nats,
})

describe('a run goes well', () => {
  test('as TRL logged one', () => {
    expect(firstAilment(golden.log, golden.config.beta)).toBeUndefined()
  })

  test('with noisy, shrinking and now and then large norms', () => {
    expect(
      firstAilment(steps(200, (i) => ({ grad_norm: 2 * (1 + Math.sin(i)) * 0.98 ** i }))),
    ).toBeUndefined()
    expect(firstAilment(steps(100, (i) => (i % 3 ? {} : { grad_norm: i ? 1e4 : 2 })))).toBeUndefined()
  })

  test('with first steps that have no gradient', () => {
    const norms = [0, 0, 0.5, 0.4, 0.6, 0, 0.5, 0.4, 0.3, 0.6, 0.4, 0.5, 0.5, 0.4]
    expect(firstAilment(norms.map((grad_norm) => ({ grad_norm })))).toBeUndefined()
    expect(firstAilment(steps(20, (i) => ({ grad_norm: i < 10 ? 0 : 1 })))).toBeUndefined()
  })

  test('with chosen answers that become less likely, as DPO lets them', () => {
    expect(firstAilment(steps(300, (i) => fallen(i / 4)))).toBeUndefined()
  })

  test('with likely short answers that lose a few nats', () => {
    const short = { 'logps/chosen': -7, 'rewards/chosen': -0.65 }
    expect(firstAilment(steps(20, () => short))).toBeUndefined()
  })
})

describe('seen are', () => {
  test.each(['loss', 'grad_norm', 'logps/chosen', 'logps/rejected'] as const)(
    '%s that is no number',
    (name) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const ailment = firstAilment(steps(9, (i) => (i === 6 ? { [name]: value } : {})))
        expect(ailment).toMatchObject({ kind: 'not-finite', step: 7 })
        expect(ailment?.message).toContain(`at step 7 ${name} is ${value}`)
        expect(ailment?.message).toContain('Lower learning_rate')
      }
    },
  )

  test('exploding norms, from the third step on', () => {
    const late = firstAilment(steps(60, (i) => (i < 40 ? {} : { grad_norm: 300 })))
    expect(late).toMatchObject({ kind: 'exploding', step: 43 })
    expect(late?.message).toContain('300, 150 times the largest of the first steps')
    expect(firstAilment(steps(60, (i) => ({ grad_norm: 10 ** i })))).toMatchObject({ step: 15 })
    expect(firstAilment(steps(9, (i) => (i < 2 ? {} : { grad_norm: 300 })))).toMatchObject({ step: 5 })
    const zeros = steps(20, (i) => ({ grad_norm: i < 12 ? i % 2 : 300 }))
    expect(firstAilment(zeros)).toMatchObject({ kind: 'exploding', step: 15 })
  })

  test('collapsing chosen answers', () => {
    const slow = firstAilment(steps(300, (i) => fallen(i)))
    expect(slow).toMatchObject({ kind: 'collapsing', step: 104 })
    expect(slow?.message).toContain('from -50.0 to -151.0')
    expect(firstAilment(steps(9, (i) => (i < 2 ? {} : fallen(1e5))))).toMatchObject({
      kind: 'collapsing',
      step: 5,
    })
    const short = { 'logps/chosen': -13, 'rewards/chosen': -1.25 }
    expect(firstAilment(steps(20, () => short))).toMatchObject({ kind: 'collapsing', step: 5 })
  })
})

test('while norms are large the run is not well, and what is saved meanwhile is not trusted', () => {
  const monitor = new HealthMonitor(0.1)
  const wellAfter = [2, 2, 400, 400, 2].map((grad_norm, i) => {
    monitor.check({ ...WELL, grad_norm, step: i + 1 })
    return monitor.isWell
  })
  expect(wellAfter).toEqual([true, true, false, false, true])
})
