import type { Evaluation } from '../evaluate/evaluation.ts'
import type { MetricTable } from '../evaluate/metrics.ts'
import type { ZeroShotResult } from './stages/classify.ts'
import type { Tables } from './verdicts.ts'

/** An evaluation's figures, those of zero-shot classification among them where it was measured. */
export function tablesOf(
  { before, after, delta }: Pick<Evaluation, 'before' | 'after' | 'delta'>,
  zeroShot: ZeroShotResult | undefined,
): Tables {
  const joined = (table: MetricTable, top1: ZeroShotResult['before'] | undefined): MetricTable =>
    top1 ? { ...table, zeroShot: { top1 } } : table
  return {
    before: joined(before, zeroShot?.before),
    after: joined(after, zeroShot?.after),
    delta: joined(delta, zeroShot?.delta),
  }
}
