import { describe, expect, test } from 'vitest'
import { formatSeconds, Pace, ProgressLine } from '../../src/cli/progress.ts'

test.each([
  [0, '0 s'],
  [41.4, '41 s'],
  [185, '3 min 5 s'],
  [7620, '2 h 7 min'],
  [-1, '0 s'],
])('%f seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text)
})

test('rate and time left count from where the work went on', () => {
  let now = 1000
  const pace = new Pace(10, 4, () => now)
  expect(pace.after(4)).toBeUndefined()
  now += 4000
  expect(pace.after(6)).toEqual({ rate: 0.5, secondsLeft: 8 })
})

describe('a progress line', () => {
  const written = (isTTY: boolean) => {
    const texts: string[] = []
    let now = 0
    const line = new ProgressLine({ write: (text) => texts.push(text), isTTY }, () => now)
    line.show('step', '1/4')
    line.show('step', '2/4')
    now += 10_000
    line.show('step', '3/4')
    line.show('step', '4/4', true)
    line.say('done')
    return texts
  }

  test('changes in place on a terminal', () => {
    const place = '\r\u001b[K'
    expect(written(true).join('')).toBe(
      `${['1/4', '2/4', '3/4', '4/4'].map((text) => `${place}step: ${text}`).join('')}\ndone\n`,
    )
  })

  test('is a line now and then elsewhere', () => {
    expect(written(false)).toEqual(['step: 1/4\n', 'step: 3/4\n', 'step: 4/4\n', 'done\n'])
  })
})
