import { type PairSettings, pairContradiction } from '../method/pair-settings.ts'
import type { ScoreSettings } from '../method/score-settings.ts'

/** The settings of a recipe that depend on each other. */
interface Dependent {
  readonly dataset: { readonly limit?: number | undefined }
  readonly captioners: readonly unknown[]
  readonly rounds: number
  readonly caption: {
    readonly samples: number
    readonly greedy: boolean
    readonly unit: 'answer' | 'sentence'
    readonly questions: object | null
  }
  readonly score: Pick<ScoreSettings, 'calibrate'>
  readonly pair: Pick<PairSettings, 'minWords' | 'maxWords' | 'edits'>
  readonly evaluate: { readonly adapter?: { readonly round: number } | undefined }
}

/** What of a recipe, right setting by setting, cannot be run to its end: for each the path, what was expected and what came. */
export function contradictions({
  dataset,
  captioners,
  rounds,
  caption,
  score,
  pair,
  evaluate,
}: Dependent): string[] {
  const { samples, greedy, unit, questions } = caption
  const candidates = (samples + (greedy ? 1 : 0)) * (1 + captioners.length)
  const isComparable = candidates > 1 || unit === 'sentence' || questions !== null || pair.edits !== undefined
  const words = pairContradiction(pair)
  return [
    ...(candidates === 0
      ? [
          'caption.samples: expected at least 1 where caption.greedy is false, got 0: nothing would be written',
        ]
      : []),
    ...(candidates > 0 && !isComparable
      ? [
          `caption.samples: expected two candidates for each prompt, of which pairs are made, got one; raise it${greedy ? '' : ' or set caption.greedy'}`,
        ]
      : []),
    ...(score.calibrate && dataset.limit === 1
      ? [
          'score.calibrate: expected several pictures, by whose others a text is calibrated, got dataset.limit 1',
        ]
      : []),
    ...(words === undefined ? [] : [`pair.${words}`]),
    ...(evaluate.adapter && evaluate.adapter.round > rounds
      ? [
          `evaluate.adapter.round: expected at most ${rounds}, as many as rounds, got ${evaluate.adapter.round}`,
        ]
      : []),
  ]
}
