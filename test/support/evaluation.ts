import type { Controls, Evaluation } from '../../src/evaluate/evaluation.ts'
import type { CaptionMetrics, MetricTable } from '../../src/evaluate/metrics.ts'

type Judged = MetricTable & CaptionMetrics

/** An evaluation of pictures of which it is known what they show. */
export interface JudgedEvaluation extends Evaluation {
  readonly before: Judged
  readonly after: Judged
  readonly delta: Judged
  readonly controls: Controls
}

/** @throws {Error} when captions were not judged. */
export function judged(
  evaluation: Pick<Evaluation, 'before' | 'after' | 'delta' | 'controls'>,
): JudgedEvaluation {
  if (!evaluation.controls || !evaluation.before.chair)
    throw new Error('expected captions that were judged, got an evaluation without CHAIR or controls')
  return evaluation as JudgedEvaluation
}
