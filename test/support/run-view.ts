import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import { BinCounter, histogramOf } from '../../src/evaluate/histogram.ts'
import type { MarkedText } from '../../src/evaluate/mark.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
import { truncationVerdict } from '../../src/evaluate/verdict.ts'
import type { FunnelStep } from '../../src/method/funnel.ts'
import { changeOf } from '../../src/pipeline/examples.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { Card, PairRow, RoundView, RunView } from '../../src/pipeline/run-view.ts'
import { verdicts } from '../../src/pipeline/verdicts.ts'
import { Random } from './random.ts'

const NOUNS = [
  'cat',
  'dog',
  'pizza',
  'fork',
  'cup',
  'laptop',
  'car',
  'tree',
  'boat',
  'kite',
  'owl',
  'drum',
] as const

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
    verdict: truncationVerdict(minusL, minusC),
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
        dataset: { seconds: 2.4 },
        caption: { seconds: 141, peakGpuBytes: 310 * 2 ** 20 },
        score: { seconds: 22.5, peakGpuBytes: 180 * 2 ** 20 },
        pair: { seconds: 0.3 },
        train: { seconds: 208.2, peakGpuBytes: 640 * 2 ** 20 },
        'evaluate before': { seconds: 70.4, peakGpuBytes: 310 * 2 ** 20 },
        'evaluate after': { seconds: 73.9, peakGpuBytes: 312 * 2 ** 20 },
        evaluate: { seconds: 3.1 },
      },
      images: { train: 256, evaluated: 400 },
      recipeHash: 'a'.repeat(64),
      modelHashes: { policy: 'b'.repeat(64), clip: 'c'.repeat(64) },
      datasetHash: 'd'.repeat(64),
    },
    rounds: [round],
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
        before: { accuracy: 84.2, yesRate: 56 },
        after: { accuracy: 88, yesRate: 50.5 },
      },
      {
        kind: 'number',
        questions: 210,
        before: { accuracy: 71, yesRate: 60 },
        after: { accuracy: 70.5, yesRate: 57 },
      },
    ],
  }
}

/** A round of the given number of steps. */
export function exampleRound(random: Random, steps: number, round = 1): RoundView {
  const score = { all: new BinCounter(), chosen: new BinCounter(), rejected: new BinCounter() }
  const gap = { widest: new BinCounter(), pairs: new BinCounter() }
  for (const z of random.normals(2048)) score.all.add(23 + 4 * z)
  for (const z of random.normals(412)) score.chosen.add(27 + 2.5 * z)
  for (const z of random.normals(412)) score.rejected.add(19.5 + 3 * z)
  for (const z of random.normals(256)) gap.widest.add(Math.abs(6 + 3 * z))
  for (const z of random.normals(412)) gap.pairs.add(4 + Math.abs(3 * z))
  const [scores, gaps] = [histogramOf(score), histogramOf(gap)]
  if (!scores || !gaps) throw new Error('expected histograms of the values just counted')
  return {
    round,
    scores: { scores, gaps, minScore: 17, minGap: 4 },
    funnel: FUNNEL,
    pairs: {
      count: 412,
      pairs: Array.from({ length: 12 }, (_, i) => pair(random, i)).sort((a, b) => b.gap - a.gap),
    },
    metrics: Array.from({ length: steps }, (_, i) => stepMetrics(random, i + 1, steps)),
  }
}

const FUNNEL: readonly FunnelStep[] = [
  step('duplicates', 'candidates', 2048, 331, 'the same as policy’s answer 0'),
  step('finish reason length', 'candidates', 1717, 12, 'cut off at 96 tokens'),
  step('absolute score', 'candidates', 1705, 140, 'score 15.2 below 17'),
  step('length', 'candidates', 1565, 0, ''),
  step('best-worst', 'pairs', 4810, 3786, 'not the best against the worst'),
  step('gap', 'pairs', 1024, 512, 'gap 2.2 below 4'),
  step('length ratio', 'pairs', 512, 100, 'lengths’ ratio 0.41 below 0.6'),
]

function step(
  rule: string,
  unit: FunnelStep['unit'],
  came: number,
  removed: number,
  why: string,
): FunnelStep {
  const example = { image: 'train_0042.png', text: 'This is a kitchen. A cup and a fork can be seen.', why }
  return {
    rule,
    unit,
    came,
    removed,
    remained: came - removed,
    examples: removed > 0 ? [example, example] : [],
  }
}

function stepMetrics(random: Random, step: number, steps: number): RoundView['metrics'][number] {
  const progress = step / steps
  const [a = 0, b = 0, c = 0, d = 0] = random.normals(4)
  const margin = 1.4 * progress + 0.15 * a
  return {
    step,
    epoch: progress,
    learning_rate: 2.5e-4 * (1 + Math.cos(Math.PI * progress)),
    grad_norm: 1.2 + 0.8 * (1 - progress) + 0.25 * Math.abs(b),
    num_tokens: 900 * step,
    loss: Math.log1p(Math.exp(-margin)),
    entropy: 0.9,
    mean_token_accuracy: 0.7,
    'rewards/chosen': 0.4 * progress,
    'rewards/rejected': 0.4 * progress - margin,
    'rewards/accuracies': Math.min(1, Math.max(0, 0.5 + 0.45 * progress + 0.08 * c)),
    'rewards/margins': margin,
    'logps/chosen': -18 + 2 * progress + 0.6 * c,
    'logps/rejected': -19 - 9 * progress + 0.6 * d,
    'logits/chosen': -1.2,
    'logits/rejected': -1.1,
  }
}

function card(random: Random, index: number): Card {
  const pick = (): string => NOUNS[random.below(NOUNS.length)] ?? 'cat'
  const truth = [pick(), pick()]
  const said = (noun: string): MarkedText => ({
    text: noun,
    verdict: truth.includes(noun) ? 'grounded' : 'hallucinated',
  })
  const caption = (...nouns: string[]): MarkedText[] => [
    { text: 'This is a picture of a kitchen. ' },
    ...nouns.flatMap((noun) => [{ text: 'A ' }, said(noun), { text: ' can be seen. ' }]),
  ]
  const others = NOUNS.filter((noun) => !truth.includes(noun))
  const lie = (): string => others[random.below(others.length)] ?? 'drum'
  // By turns fixed, fixed, broken, inventing in both and clean.
  const [first = 'cat'] = truth
  const before = index % 5 === 2 || index % 5 === 4 ? caption(...truth) : caption(first, lie())
  const after = index % 5 === 2 || index % 5 === 3 ? caption(first, lie()) : caption(...truth)
  const image = `heldout_${String(index).padStart(4, '0')}.png`
  const imageHash = index.toString(16).padStart(64, '0')
  return {
    image,
    imageHash,
    truth,
    before,
    after,
    change: changeOf({ before, after }),
    thumbnail: thumbnail(index),
  }
}

function pair(random: Random, index: number): PairRow {
  const [there, invented] = [
    NOUNS[index % NOUNS.length] ?? 'cat',
    NOUNS[(index * 5 + 3) % NOUNS.length] ?? 'dog',
  ]
  const [chosenScore, gap] = [27 + 3 * random.uniform(), 4 + 6 * random.uniform()]
  return {
    images: [`train_${String(index).padStart(4, '0')}.png`],
    imageHash: index.toString(16).padStart(64, 'e'),
    prompt: 'Describe this image.',
    chosen: `This is a park. A ${there} can be seen on the left.`,
    rejected: `This is a park. A ${there} and a ${invented} can be seen.`,
    chosenScore,
    rejectedScore: chosenScore - gap,
    gap,
    rule: 'best-worst',
    thumbnail: thumbnail(index),
  }
}

/** A small scene as an SVG. */
function thumbnail(index: number): string {
  const sky = `hsl(${(index * 67) % 360} 60% 80%)`
  const ground = `hsl(${(index * 67 + 120) % 360} 40% 55%)`
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" width="128" height="128"><rect width="128" height="128" fill="${sky}"/>` +
    `<rect y="84" width="128" height="44" fill="${ground}"/><circle cx="${30 + ((index * 29) % 70)}" cy="72" r="18" fill="#444"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

function around(value: number, half = 2.4): Estimate {
  return { value, low: value - half, high: value + half }
}

function captionFigures<K extends string>(
  values: Readonly<Record<K, number>>,
  half = 1.4,
): Record<K, Estimate> {
  const figures = Object.entries<number>(values).map(([name, value]) => [name, around(value, half)])
  return Object.fromEntries(figures) as Record<K, Estimate>
}

interface Figures {
  readonly chair: number
  readonly cover: number
  readonly hal: number
  readonly cog: number
  readonly accuracy: number
  readonly top1: number
  readonly length: number
}

function table({ chair, cover, hal, cog, accuracy, top1, length }: Figures): MetricTable {
  return {
    ...captionFigures({ chair, cover, hal, cog, nounsPerCaption: 3.1 }),
    meanLength: around(length, 0.5),
    amberScore: around((100 - chair + accuracy) / 2),
    yesNo: {
      accuracy: around(accuracy),
      yesRate: around(55),
      f1No: around(accuracy - 1),
      f1Yes: around(accuracy + 1),
    },
    zeroShot: { top1: around(top1, 3) },
    cleanLoss: around(0.612, 0.02),
  }
}

/** after - before, with intervals of their own. */
function difference(before: MetricTable, after: MetricTable): MetricTable {
  const less = (a: Estimate | undefined, b: Estimate | undefined): Estimate =>
    around((b?.value ?? 0) - (a?.value ?? 0), 1.6)
  const of = (name: 'chair' | 'cover' | 'hal' | 'cog' | 'meanLength' | 'nounsPerCaption' | 'amberScore') =>
    less(before[name], after[name])
  const [yes, no] = [before.yesNo, after.yesNo]
  return {
    chair: of('chair'),
    cover: of('cover'),
    hal: of('hal'),
    cog: of('cog'),
    meanLength: of('meanLength'),
    nounsPerCaption: of('nounsPerCaption'),
    amberScore: of('amberScore'),
    yesNo: {
      accuracy: less(yes?.accuracy, no?.accuracy),
      yesRate: less(yes?.yesRate, no?.yesRate),
      f1No: less(yes?.f1No, no?.f1No),
      f1Yes: less(yes?.f1Yes, no?.f1Yes),
    },
    zeroShot: { top1: less(before.zeroShot?.top1, after.zeroShot?.top1) },
    cleanLoss: around(0.4, 0.6),
  }
}
