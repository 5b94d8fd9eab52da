import { beforeAll, expect, test } from 'vitest'
import { AmberJudge } from '../../src/evaluate/amber.ts'
import { withoutLastSentence } from '../../src/evaluate/controls.ts'
import { evaluate, measure } from '../../src/evaluate/evaluation.ts'
import { CAPTION_METRICS, type Judge } from '../../src/evaluate/metrics.ts'
import { loadNounFinder } from '../../src/method/nouns.ts'
import world from '../goldens/world-captions.json'
import golden from '../goldens/world-evaluation.json'
import { judged } from '../support/evaluation.ts'

/** The embedded world's captions, from their text to the figures, against a Python twin that was written on its own. */
const amber = new AmberJudge({
  association: Object.fromEntries(world.nouns.map((noun) => [noun, []])),
  safeWords: [],
})
let judge: Judge
beforeAll(async () => {
  const finder = await loadNounFinder()
  judge = { amber, nouns: (caption) => finder.nouns(caption) }
})
const images = golden.images.map(({ truth, hallu, before, after }) => ({
  truth: { truth, hallu },
  before: { caption: before },
  after: { caption: after },
}))

test('the figures before and after are the twin’s', () => {
  const { before, after } = judged(evaluate(images, judge, { samples: 100 }))
  for (const name of CAPTION_METRICS) {
    expect(before[name].value, name).toBeCloseTo(golden.figures.before[name], 2) // its Hal lacks the script's 0.001
    expect(after[name].value, name).toBeCloseTo(golden.figures.after[name], 2)
  }
})

test('so are those of captions without their last sentence', () => {
  const cut = images.map(({ truth, before: { caption } }) => ({
    truth,
    answers: { caption: withoutLastSentence(caption) },
  }))
  const table = measure(cut, judge, { samples: 100 })
  for (const name of CAPTION_METRICS)
    expect(table[name]?.value, name).toBeCloseTo(golden.figures.cut[name], 2)
})

/** Both draw 2000 resamples, by other generators: the ends differ by less than a tenth of the interval. Measured 0.057. */
test('the intervals of the differences are nearly the twin’s', () => {
  const { delta } = judged(evaluate(images, judge))
  for (const name of CAPTION_METRICS) {
    const [value = 0, low = 0, high = 0] = golden.delta[name] as number[]
    expect(delta[name].value, name).toBeCloseTo(value, 2)
    expect(Math.abs(delta[name].low - low) / (high - low), name).toBeLessThan(0.1)
    expect(Math.abs(delta[name].high - high) / (high - low), name).toBeLessThan(0.1)
  }
})
