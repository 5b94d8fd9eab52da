import { amberTruthOf } from '../../evaluate/amber.ts'
import { measure } from '../../evaluate/evaluation.ts'
import { isAnnotated, judgeCaption, type MetricTable } from '../../evaluate/metrics.ts'
import { ObjectCounter, type ObjectRate } from '../../evaluate/objects.ts'
import type { ClipEmbedder } from '../clip-embedder.ts'
import type { EvaluateSettings } from '../recipe.ts'
import type { StageContext } from '../stage.ts'
import { caveatsOf, type EvaluationVocabulary, openJudge } from '../vocabulary.ts'
import { classify, type ZeroShotResult } from './classify.ts'
import { answersOf } from './evaluate.ts'
import type { MeasuredPair } from './measured-chunks.ts'

/** What one model says, held against the truth: the part of a run's evaluation that needs no second model. */
export interface LoneEvaluation {
  readonly evaluation: { readonly images: number; readonly before: MetricTable }
  readonly zeroShot?: Pick<ZeroShotResult, 'images' | 'classes' | 'before' | 'ceiling'>
  readonly objects: { readonly before: readonly ObjectRate[] }
  /** What the figures differ by from those of a benchmark's own script. */
  readonly caveats: readonly string[]
}

type Measured = Pick<MeasuredPair, 'dataset' | 'before'>

/** Holds what one model says against the truth. @throws {RangeError} without pictures of known truth. */
export async function evaluateAlone(
  { signal }: StageContext,
  openClip: () => Promise<ClipEmbedder>,
  { bootstrap: samples }: Pick<EvaluateSettings, 'bootstrap'>,
  {
    main,
    zeroShot,
    vocabulary,
    seed,
  }: { main: Measured; zeroShot?: Measured; vocabulary: EvaluationVocabulary; seed: number },
): Promise<LoneEvaluation> {
  const judge = await openJudge(vocabulary)
  const images: Parameters<typeof measure>[0][number][] = []
  const objects = new ObjectCounter()
  for await (const [chunk, items] of main.dataset.units.units()) {
    signal.throwIfAborted()
    const measured = await main.before.units.expect(chunk)
    items.forEach((item, i) => {
      const said = measured[i]
      if (!item.truth || !said) return
      const truth = amberTruthOf(item.truth)
      images.push({ truth, answers: answersOf(said) })
      if (isAnnotated(truth)) objects.add({ judgement: judgeCaption(judge, said.caption, truth), truth })
    })
  }
  return {
    evaluation: { images: images.length, before: measure(images, judge, { samples, seed }) },
    ...(zeroShot
      ? { zeroShot: await classified(await openClip(), zeroShot, { samples, seed, signal }) }
      : {}),
    objects: { before: objects.rates() },
    caveats: caveatsOf(vocabulary),
  }
}

async function classified(
  clip: ClipEmbedder,
  measured: Measured,
  options: { samples: number; seed: number; signal: AbortSignal },
): Promise<NonNullable<LoneEvaluation['zeroShot']>> {
  const { images, classes, before, ceiling } = await classify(
    clip,
    { ...measured, after: measured.before },
    options,
  )
  return { images, classes, before, ceiling }
}
