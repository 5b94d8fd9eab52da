import { BinCounter, histogramOf } from '../../src/evaluate/histogram.ts'
import type { FunnelStep } from '../../src/method/funnel.ts'
import type { PairRow, RoundView } from '../../src/pipeline/run-view.ts'
import { NOUNS, thumbnail } from './example-pictures.ts'
import type { Random } from './random.ts'

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
