import { truncationVerdict } from '../../src/evaluate/verdict.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { RunView } from '../../src/pipeline/run-view.ts'
import { verdicts } from '../../src/pipeline/verdicts.ts'
import { around, captionFigures, difference, table, yesNoFigures } from './example-figures.ts'
import { card, NOUNS } from './example-pictures.ts'
import { exampleRound } from './example-round.ts'
import { Random } from './random.ts'

/** A run's views as a recipe of the size of `demo` would give them, made up of seeded random numbers. */
export function exampleRunView(seed = 1): RunView {
  const random = new Random(seed)
  const recipe = parseRecipe({
    name: 'demo',
    notes: 'Made up, for tests of the views.',
    dataset: { source: 'embedded:emoji-scenes/train', limit: 256 },
    policy: { source: 'embedded:emoji-llava' },
    clip: { source: 'embedded:emoji-clip' },
    caption: { prompts: ['Describe this image.'] },
    pair: { minGap: 4, minScore: 17 },
    train: { beta: 0.1, learning_rate: 5e-4 },
    evaluate: { dataset: { source: 'embedded:emoji-scenes/heldout' } },
  })
  const before = table({
    chair: 14.2,
    cover: 71.3,
    hal: 36.4,
    cog: 9.8,
    accuracy: 81.2,
    top1: 84,
    length: 24.1,
  })
  const after = table({
    chair: 6.1,
    cover: 69.9,
    hal: 15.2,
    cog: 2.6,
    accuracy: 83.5,
    top1: 85.5,
    length: 22.8,
  })
  const delta = difference(before, after)
  const minusL = captionFigures({
    chair: -6.4,
    cover: 5.2,
    hal: -14.8,
    cog: -5.4,
    meanLength: 1.2,
    nounsPerCaption: 0.2,
  })
  const minusC = captionFigures({
    chair: -6.9,
    cover: 0.1,
    hal: -16.9,
    cog: -5.9,
    meanLength: 1.9,
    nounsPerCaption: 0.3,
  })
  const controls = {
    L: {
      metrics: captionFigures(
        { chair: 12.5, cover: 64.7, hal: 30, cog: 8, meanLength: 21.6, nounsPerCaption: 3 },
        1.6,
      ),
      tunedMinus: minusL,
    },
    C: {
      metrics: captionFigures(
        { chair: 13, cover: 69.8, hal: 32.1, cog: 8.5, meanLength: 20.9, nounsPerCaption: 3 },
        1.6,
      ),
      tunedMinus: minusC,
      probability: 0.31,
    },
    cuttable: 100,
    verdict: truncationVerdict(minusL, minusC, 100),
  }
  const cards = Array.from({ length: 25 }, (_, i) => card(random, i))
  const round = exampleRound(random, 120)
  const classes = [...NOUNS]
  return {
    recipe,
    summary: {
      before,
      after,
      delta,
      controls,
      zeroShotCeiling: around(96.5, 1.2),
      verdicts: verdicts({ before, after, delta }, controls),
      funnel: [{ round: 1, steps: round.funnel }],
      pairs: 412,
      steps: round.metrics.length,
      stages: {
        dataset: { hash: '1'.repeat(64), seconds: 2.4 },
        caption: { hash: '2'.repeat(64), seconds: 141, peakGpuBytes: 310 * 2 ** 20 },
        score: { hash: '3'.repeat(64), seconds: 22.5, peakGpuBytes: 180 * 2 ** 20 },
        pair: { hash: '4'.repeat(64), seconds: 0.3 },
        train: { hash: '5'.repeat(64), seconds: 208.2, peakGpuBytes: 640 * 2 ** 20 },
        'evaluate before': { hash: '6'.repeat(64), seconds: 70.4, peakGpuBytes: 310 * 2 ** 20 },
        'evaluate after': { hash: '7'.repeat(64), seconds: 73.9, peakGpuBytes: 312 * 2 ** 20 },
        evaluate: { hash: '8'.repeat(64), seconds: 3.1 },
      },
      images: { train: 256, evaluated: 400, source: 'embedded:emoji-scenes/heldout' },
      recipeHash: 'a'.repeat(64),
      modelHashes: { policy: 'b'.repeat(64), clip: 'c'.repeat(64) },
      datasetHash: 'd'.repeat(64),
    },
    rounds: [round],
    shown: [],
    cards: { counts: { fixed: 96, broken: 11, both: 50, clean: 243 }, cards },
    objects: {
      before: NOUNS.map((noun, i) => ({
        noun,
        mentions: 60 - i,
        flagged: Math.max(0, 24 - 3 * i),
        rate: (100 * Math.max(0, 24 - 3 * i)) / (60 - i),
      })),
      after: NOUNS.map((noun, i) => ({
        noun,
        mentions: 58 - i,
        flagged: Math.max(0, 9 - 2 * i),
        rate: (100 * Math.max(0, 9 - 2 * i)) / (58 - i),
      })),
      coOccurrences: [
        { noun: 'cat', beside: 'pizza', images: 30, invented: 18, rate: 60, rateElsewhere: 4.2 },
      ],
    },
    zeroShot: {
      images: 120,
      classes,
      before: around(84, 3),
      after: around(85.5, 3),
      delta: around(1.5, 2.5),
      ceiling: around(96.5, 1.2),
      confusion: classes.map((_, i) =>
        classes.map((_, j) => (i === j ? 8 + (i % 3) : (i * 7 + j * 5) % 23 === 0 ? 1 + (j % 2) : 0)),
      ),
    },
    yesNo: [
      {
        kind: 'existence',
        questions: 400,
        before: yesNoFigures(84.2, 56),
        after: yesNoFigures(88, 50.5),
      },
      {
        kind: 'number',
        questions: 210,
        before: yesNoFigures(71, 60),
        after: yesNoFigures(70.5, 57),
      },
    ],
  }
}
