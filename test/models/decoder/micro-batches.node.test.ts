import { expect, test } from 'vitest'
import { planSteps } from '../../../src/method/schedule.ts'
import { parseTrainerConfig } from '../../../src/method/trainer-config.ts'
import { MicroBatches } from '../../../src/models/decoder/micro-batches.ts'

/** Pairs that count how often somebody looks at all of them. */
function setUp(count: number) {
  let looks = 0
  const pairs = Array.from({ length: count }, (_, i) => ({
    get prefix() {
      looks++
      return { key: `${i}` }
    },
  }))
  const config = parseTrainerConfig({
    per_device_train_batch_size: 3,
    gradient_accumulation_steps: 2,
    num_train_epochs: 2,
    group_by_prompt: true,
    seed: 5,
  })
  const plan = planSteps(config, count)
  return { plan, batches: new MicroBatches(config, plan, pairs, true), looks: () => looks / count }
}

test('every epoch takes all pairs once, in another order', () => {
  const { plan, batches } = setUp(20)
  const steps = Array.from({ length: plan.totalSteps }, (_, step) => batches.of(step))
  expect(steps.map((step) => step.map(({ indices, place }) => [place, indices.length]))).toEqual(
    [0, 1].flatMap(() => [
      [
        [0, 3],
        [1, 3],
      ],
      [
        [0, 3],
        [1, 3],
      ],
      [
        [0, 3],
        [1, 3],
      ],
      [[0, 2]],
    ]),
  )
  const order = steps.flat().flatMap(({ indices }) => indices)
  const [first, second] = [order.slice(0, 20), order.slice(20)]
  for (const epoch of [first, second]) expect([...epoch].sort((a, b) => a - b)).toEqual([...Array(20).keys()])
  expect(first).not.toEqual(second)
})

test('an epoch’s order is made once, however many steps ask for it', () => {
  const { plan, batches, looks } = setUp(20)
  for (let step = 0; step < plan.stepsPerEpoch; step++) {
    batches.of(step)
    batches.of(step)
  }
  expect(looks()).toBe(1)
  const later = batches.of(plan.stepsPerEpoch)
  expect(looks()).toBe(2)
  expect(setUp(20).batches.of(plan.stepsPerEpoch)).toEqual(later)
})
