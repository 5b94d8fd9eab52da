import type { ScoredCandidate } from '../../method/candidate.ts'
import { loadNounFinder } from '../../method/nouns.ts'
import type { ScoreSettings } from '../../method/score-settings.ts'
import {
  isEmpty,
  isStop,
  meanOfOthers,
  plannedTexts,
  planTexts,
  rankCandidates,
  scoreCandidate,
  scoreStops,
  stopScore,
  type TextScore,
} from '../../method/scores.ts'
import type { ClipEmbedder } from '../clip-embedder.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { CaptionOutput } from './caption.ts'
import type { DatasetOutput } from './dataset.ts'

/** The candidates of a few pictures with their scores, and how much writing each picture shows. */
export interface ScoredChunk {
  readonly candidates: readonly ScoredCandidate[]
  /** By the image's hash, see `imageTextScore`. */
  readonly imageText: Readonly<Record<string, number>>
}

export interface ScoreSummary {
  readonly scored: number
  /** Candidates that got no score: those longer than CLIP's context, and those that say nothing. */
  readonly pastContext: number
  readonly empty: number
  /** What ending an answer scores; undefined unless candidates are next sentences. */
  readonly stopScore?: number
}

export type ScoreOutput = StageOutput<ScoredChunk, ScoreSummary>

/** CLIP's score of every candidate. */
export async function scoreStage(
  context: StageContext,
  openClip: () => Promise<ClipEmbedder>,
  clipHash: string,
  settings: ScoreSettings,
  { dataset, captions, round }: { dataset: DatasetOutput; captions: CaptionOutput; round: number },
): Promise<ScoreOutput> {
  const spec = {
    stage: 'score',
    kind: 'scores',
    version: 2,
    round,
    settings,
    inputs: { candidates: captions.hash, clip: clipHash },
  } as const
  return await runStage(context, spec, async (units, progress) => {
    const clip = await openClip()
    const finder = settings.scorer === 'f-clip' ? await loadNounFinder() : { phrases: () => [] }
    const mean = settings.calibrate ? await meanImage(context, clip, dataset, progress) : undefined
    const total = captions.summary.candidates
    let done = 0
    let pastContext = 0
    let empty = 0
    const continuations: number[] = []
    for await (const [chunk, candidates] of captions.units.units()) {
      context.signal.throwIfAborted()
      let scored = await units.get(chunk)
      if (!scored) {
        const plans = candidates.map((candidate) => planTexts(candidate, settings, finder))
        const owned = candidates.map(({ image, imageHash }, i) => ({
          image: { name: image, hash: imageHash },
          texts: plannedTexts(plans[i] ?? { parts: [] }),
        }))
        clip.takeUsed() // those of the calibration belong to the pictures' own candidates
        const scores = await clip.score(owned)
        scored = {
          candidates: candidates.map((candidate, i) => {
            const scoreOf = (text: string): TextScore | undefined => {
              const score = scores[i]?.get(text)
              if (score === undefined || !mean) return score === undefined ? undefined : { score }
              const all = clip.dot(text, mean.vector)
              return { score, meanOfOthers: meanOfOthers(all, score, mean.images) }
            }
            return scoreCandidate(candidate, plans[i] ?? { parts: [] }, scoreOf, settings)
          }),
          imageText: await clip.imageText(owned.map(({ image }) => image)),
        }
        await units.put(chunk, scored, { embeddings: clip.takeUsed() })
      }
      done += scored.candidates.length
      for (const candidate of scored.candidates) {
        if (isEmpty(candidate)) empty++
        else if (candidate.score === undefined) pastContext += isStop(candidate) ? 0 : 1
        else if (candidate.context !== undefined) continuations.push(candidate.score)
      }
      progress(done, total, 'candidates')
    }
    const stops =
      continuations.length > 0 ? { stopScore: stopScore(continuations, settings.stopQuantile) } : {}
    return { scored: done - pastContext - empty, pastContext, empty, ...stops }
  })
}

/** The scored candidates chunk by chunk, with their ranks, and endings scored. */
export async function* scoredChunks({
  units,
  summary,
}: ScoreOutput): AsyncGenerator<readonly [number, ScoredChunk]> {
  for await (const [chunk, { candidates, imageText }] of units.units()) {
    const whole = summary.stopScore === undefined ? candidates : scoreStops(candidates, summary.stopScore)
    yield [Number(chunk), { candidates: rankCandidates(whole), imageText }]
  }
}

/** The mean of all pictures' embeddings: a text's mean score over them is its score on this. */
async function meanImage(
  { signal }: StageContext,
  clip: ClipEmbedder,
  dataset: DatasetOutput,
  progress: (done: number, total: number, unit: string) => void,
): Promise<{ vector: Float64Array; images: number }> {
  let vector: Float64Array | undefined
  let images = 0
  for await (const [, items] of dataset.units.units()) {
    signal.throwIfAborted()
    for (const embedding of await clip.embedImages(items)) {
      vector ??= new Float64Array(embedding.length)
      for (const [d, value] of embedding.entries()) vector[d] = (vector[d] as number) + value
      images++
    }
    progress(images, dataset.summary.images, 'pictures')
  }
  if (!vector) throw new RangeError('score: expected at least one picture, got none')
  return { vector: vector.map((value) => value / images), images }
}
