import { describe, expect, test } from 'vitest'
import { batchesOfStep, learningRate, planSteps } from '../../src/method/schedule.ts'
import { parseTrainerConfig } from '../../src/method/trainer-config.ts'
import defaults from '../goldens/defaults.json'
import golden from '../goldens/schedule.json'

test.each(golden.cases)(
  '$name with $warmup steps of warm-up runs as in transformers',
  ({ name, warmup, rates }) => {
    const config = parseTrainerConfig({
      lr_scheduler_type: name,
      warmup_steps: warmup,
      learning_rate: golden.learningRate,
      max_steps: golden.steps,
    })
    const plan = planSteps(config, 100)
    rates.forEach((rate, step) => {
      expect(learningRate(config, plan, step)).toBeCloseTo(rate, 12)
    })
  },
)

describe('steps are counted as transformers counts them', () => {
  const config = parseTrainerConfig({
    per_device_train_batch_size: 4,
    gradient_accumulation_steps: 2,
    num_train_epochs: 1.5,
    warmup_ratio: 0.1,
  })
  const plan = planSteps(config, 19)

  test('with a smaller last batch, a shorter last accumulation and part of an epoch', () => {
    expect(plan).toEqual({ batchesPerEpoch: 5, stepsPerEpoch: 3, totalSteps: 5, warmupSteps: 1 })
    expect([0, 2, 4].map((step) => batchesOfStep(config, plan, step))).toEqual([
      { epoch: 0, first: 0, end: 2 },
      { epoch: 0, first: 4, end: 5 },
      { epoch: 1, first: 2, end: 4 },
    ])
  })

  test('max_steps overrules the epochs; warm-up steps below 1 are a share', () => {
    expect(planSteps(parseTrainerConfig({ max_steps: 40, warmup_steps: 0.05 }), 3)).toMatchObject({
      totalSteps: 40,
      warmupSteps: 2,
    })
  })

  test('no pairs are an error', () => {
    expect(() => planSteps(config, 0)).toThrow('expected at least one pair')
  })
})

describe('settings', () => {
  test('have TRL’s defaults', () => {
    const { reference, group_by_prompt, warmup_ratio, loss_type, ...common } = parseTrainerConfig({})
    expect({ ...common, loss_type: [loss_type] }).toEqual(defaults.trainer)
    // What TRL has no setting for is as TRL does it.
    expect({ reference, group_by_prompt, warmup_ratio }).toEqual({
      reference: 'initial',
      group_by_prompt: false,
      warmup_ratio: 0,
    })
  })

  test.each([
    [{ betta: 0.1 }, 'betta: no such setting'],
    [{ beta: 0 }, 'beta: expected >0, got 0'],
    [{ loss_type: 'kto' }, 'loss_type: expected'],
    [{ loss_type: ['sigmoid', 'sft'], loss_weights: [1] }, 'loss_weights: expected 2'],
    [{ loss_type: 'exo_pair' }, 'label_smoothing: expected above 0 for exo_pair'],
    [{ per_device_train_batch_size: 1.5 }, 'per_device_train_batch_size: Invalid integer: Received 1.5'],
    [{ max_steps: -2 }, 'max_steps: expected >=-1'],
  ])('%j are refused', (json, message) => {
    expect(() => parseTrainerConfig(json)).toThrow(message)
  })
})
