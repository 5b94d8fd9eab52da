import type { NounVerdict } from '../evaluate/amber.ts'
import type { RunOutput } from './run.ts'
import { shownSets } from './shown-sample.ts'
import type { CaptionExample } from './stages/evaluate.ts'
import type { MeasuredImage } from './stages/measure.ts'
import { type MeasuredPair, measuredChunks } from './stages/measured-chunks.ts'

/** What the model said about an evaluated picture: a line of `answers.jsonl`. */
export interface AnswerRow extends Pick<MeasuredImage, 'image' | 'imageHash'> {
  /** What is in the picture, where that is known. */
  readonly truth?: readonly string[]
  readonly before: Said
  readonly after: Said
}

export interface Said extends Omit<MeasuredImage, 'image' | 'imageHash'> {
  /** The caption's nouns that count, as they stand there; absent where it is not known what the picture shows. */
  readonly invented?: readonly string[]
  readonly grounded?: readonly string[]
}

/**
 * Every evaluated picture with the answers before and after training, in the order of the pictures, and after these the ones that
 * are only shown.
 */
export async function* answerRows({
  measured: [main, ...others],
  evaluation,
}: Pick<RunOutput, 'measured' | 'evaluation'>): AsyncGenerator<AnswerRow> {
  yield* rowsOf(main, async (chunk) => await evaluation.units.expect(chunk))
  for (const set of shownSets(others)) yield* rowsOf(set, async () => [])
}

async function* rowsOf(
  measured: MeasuredPair,
  examplesOf: (chunk: number) => Promise<readonly CaptionExample[]>,
): AsyncGenerator<AnswerRow> {
  for await (const [chunk, rows] of measuredChunks(measured)) {
    const judged = new Map((await examplesOf(chunk)).map((example) => [example.imageHash, example]))
    for (const { item, before, after } of rows) {
      const example = judged.get(item.hash)
      yield {
        image: item.name,
        imageHash: item.hash,
        ...(item.truth && item.truth.truth.length > 0 ? { truth: item.truth.truth } : {}),
        before: said(before, example?.before),
        after: said(after, example?.after),
      }
    }
  }
}

function said(
  { image: _, imageHash: __, ...measured }: MeasuredImage,
  pieces: CaptionExample['before'] | undefined,
): Said {
  const nouns = (wanted: NounVerdict): string[] =>
    (pieces ?? []).filter(({ verdict }) => verdict === wanted).map(({ text }) => text)
  return { ...measured, ...(pieces ? { invented: nouns('hallucinated'), grounded: nouns('grounded') } : {}) }
}
