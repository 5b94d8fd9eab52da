import { afterEach, expect, test } from 'vitest'
import '../../src/ui/results.ts'
import type { TrainResults } from '../../src/ui/train-results.ts'
import { exampleRound } from '../support/example-round.ts'
import { Random } from '../support/random.ts'

afterEach(() => document.body.replaceChildren())

test('a training’s charts are drawn one by one, and all of them read the step under the pointer', async () => {
  const { metrics } = exampleRound(new Random(1), 30)
  const results = document.createElement('train-results') as TrainResults
  results.runner = {
    training: async () => ({ steps: metrics, stepSeconds: 0.0384, peakGpuBytes: 3 * 2 ** 27 }),
  }
  results.hash = 'training'
  document.body.append(results)
  const all = (selector: string): Element[] => [...(results.shadowRoot?.querySelectorAll(selector) ?? [])]
  await expect.poll(() => all('.curve svg').length).toBe(6)
  expect(all('p').at(-1)?.textContent).toBe('30 steps, 38 ms a step, at most 384 MiB of GPU memory')
  const zone = all('.zone')[4]
  zone
    ?.querySelector('rect')
    ?.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, composed: true }))
  const read = all('.zone.read')
  expect(read.length).toBe(6)
  expect(read.map((one) => one.getAttribute('data-at'))).toEqual(
    new Array(6).fill(zone?.getAttribute('data-at')),
  )
  expect(read.map((one) => getComputedStyle(one.querySelector('text') as Element).visibility)).toEqual(
    new Array(6).fill('visible'),
  )
  all('.curves')[0]?.parentElement?.dispatchEvent(new PointerEvent('pointerleave'))
  expect(all('.zone.read')).toEqual([])
})
