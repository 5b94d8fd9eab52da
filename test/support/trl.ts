import { expect } from 'vitest'

/** Bounds on each figure of a TRL log: 1e-4 max(1, |x|), and 1e-4 beta max(1, |logp|) for rewards. */
export function expectTrlLog(
  steps: readonly object[],
  log: readonly Readonly<Record<string, number>>[],
  beta: number,
): void {
  expect(steps).toHaveLength(log.length)
  log.forEach((expected, i) => {
    const ours = steps[i] as Readonly<Record<string, number>>
    for (const [name, value] of Object.entries(expected)) {
      const isReward = name.startsWith('rewards/') && name !== 'rewards/accuracies'
      const logp = Math.max(
        Math.abs(expected['logps/chosen'] ?? 0),
        Math.abs(expected['logps/rejected'] ?? 0),
      )
      const bound = isReward ? 1e-4 * beta * Math.max(1, logp) : 1e-4 * Math.max(1, Math.abs(value))
      const difference = Math.abs((ours[name] ?? Number.NaN) - value)
      expect(difference, `step ${i + 1}: ${name} ${ours[name]} against ${value}`).toBeLessThanOrEqual(bound)
    }
  })
}
