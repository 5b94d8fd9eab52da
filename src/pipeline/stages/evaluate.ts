import { type AmberTruth, amberTruthOf } from '../../evaluate/amber.ts'
import { type EvaluatedImage, type Evaluation, evaluate } from '../../evaluate/evaluation.ts'
import { type MarkedText, markNouns } from '../../evaluate/mark.ts'
import { isAnnotated, judgeCaption } from '../../evaluate/metrics.ts'
import { type CoOccurrence, ObjectCounter, type ObjectRate } from '../../evaluate/objects.ts'
import type { ClipEmbedder } from '../clip-embedder.ts'
import type { EvaluateSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import { caveatsOf, type EvaluationVocabulary, openJudge } from '../vocabulary.ts'
import { classify, type ZeroShotResult } from './classify.ts'
import type { MeasuredImage } from './measure.ts'
import { type MeasuredPair, measuredChunks } from './measured-chunks.ts'

/** One picture's captions with their nouns judged. */
export interface CaptionExample {
  readonly image: string
  readonly imageHash: string
  readonly truth: readonly string[]
  readonly before: readonly MarkedText[]
  readonly after: readonly MarkedText[]
}

export interface EvaluateSummary {
  readonly evaluation: Evaluation
  /** What the figures differ by from those of a benchmark's own script. */
  readonly caveats: readonly string[]
  readonly zeroShot?: ZeroShotResult
  readonly objects: { readonly before: readonly ObjectRate[]; readonly after: readonly ObjectRate[] }
  readonly coOccurrences: readonly CoOccurrence[]
}

/** Unit i: the captions of those of the i-th pictures of which it is known what they show, judged. */
export type EvaluateOutput = StageOutput<CaptionExample[], EvaluateSummary>

export interface EvaluateInputs {
  readonly main: MeasuredPair
  readonly zeroShot?: MeasuredPair
  readonly vocabulary: EvaluationVocabulary
  readonly seed: number
}

/**
 * Compares what the model says before and after training with the truth. Pictures of which nothing is known are left out, unless
 * that is so of all: then lengths alone are compared.
 */
export async function evaluateStage(
  context: StageContext,
  openClip: () => Promise<ClipEmbedder>,
  clipHash: string,
  { bootstrap: samples }: Pick<EvaluateSettings, 'bootstrap'>,
  { main, zeroShot, vocabulary, seed }: EvaluateInputs,
): Promise<EvaluateOutput> {
  const spec = {
    stage: 'evaluate',
    kind: 'results',
    version: 6,
    round: 0,
    settings: { samples, seed, vocabulary },
    inputs: {
      before: main.before.hash,
      after: main.after.hash,
      ...(zeroShot
        ? { zeroBefore: zeroShot.before.hash, zeroAfter: zeroShot.after.hash, clip: clipHash }
        : {}),
    },
  } as const
  return await runStage<CaptionExample[], EvaluateSummary>(context, spec, async (units, progress) => {
    const judge = await openJudge(vocabulary)
    const images: EvaluatedImage[] = []
    const isAnyKnown = main.dataset.summary.withTruth > 0
    const objects = { before: new ObjectCounter(), after: new ObjectCounter() }
    for await (const [chunk, rows] of measuredChunks(main)) {
      context.signal.throwIfAborted()
      const examples: CaptionExample[] = []
      for (const { item, before, after } of rows) {
        if (!item.truth && isAnyKnown) continue
        const truth = amberTruthOf(item.truth ?? NOTHING_KNOWN)
        images.push({ truth, before: answersOf(before), after: answersOf(after) })
        if (!isAnnotated(truth)) continue
        const read = (measured: MeasuredImage) => judgeCaption(judge, measured.caption, truth)
        const [first, second] = [read(before), read(after)]
        objects.before.add({ judgement: first, truth })
        objects.after.add({ judgement: second, truth })
        examples.push({
          image: item.name,
          imageHash: item.hash,
          truth: truth.truth,
          before: markNouns(before.caption, first.nouns),
          after: markNouns(after.caption, second.nouns),
        })
      }
      await units.put(chunk, examples, { images: examples.map(({ imageHash }) => imageHash) })
      progress(images.length, main.dataset.summary.images, 'pictures')
    }
    const evaluation = evaluate(images, judge, { samples, seed })
    return {
      evaluation,
      caveats: caveatsOf(vocabulary),
      ...(zeroShot
        ? { zeroShot: await classify(await openClip(), zeroShot, { samples, seed, signal: context.signal }) }
        : {}),
      objects: { before: objects.before.rates(), after: objects.after.rates() },
      coOccurrences: objects.before.coOccurrences().slice(0, 20),
    }
  })
}

const NOTHING_KNOWN: AmberTruth = { truth: [], hallu: [] }

/** Of what was measured on a picture what its figures need: all pictures' are held at once. */
export function answersOf({ caption, answers, clean }: MeasuredImage): EvaluatedImage['before'] {
  return {
    caption,
    questions: answers.map(({ truth, answer, popeAnswer }) => ({
      truth,
      answer,
      ...(popeAnswer ? { popeAnswer } : {}),
    })),
    ...(clean ? { cleanLoss: { sum: -clean.logp, tokens: clean.numTokens } } : {}),
  }
}
