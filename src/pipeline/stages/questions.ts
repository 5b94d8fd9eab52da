import type { Candidate } from '../../method/candidate.ts'
import { loadNounFinder } from '../../method/nouns.ts'
import { type Asked, questionCandidates } from '../../method/question-candidates.ts'
import { QuestionTemplates } from '../../method/question-templates.ts'
import type { ImageQuestion } from '../../method/written-questions.ts'
import type { UnitKey } from '../../store/stages.ts'
import type { ModelSource, RunModels } from '../models.ts'
import type { QuestionsRef } from '../recipe.ts'
import { runStage, type StageContext } from '../stage.ts'
import type { CaptionOutput, CaptionSummary } from './caption.ts'
import { type CaptionedPicture, captionedPictures } from './captioned.ts'
import type { DatasetOutput } from './dataset.ts'
import { replySettings, replyStage } from './question-replies.ts'
import { ReplyReader, unreadableNotes } from './reply-reader.ts'

export interface QuestionInputs {
  readonly dataset: DatasetOutput
  readonly captions: CaptionOutput
  /** The model that the settings name, if they do. */
  readonly writer?: ModelSource
  readonly seed: number
  readonly round: number
}

/** Where questions come from. */
interface Asker {
  readonly generator: Asked['generator']
  /** Questions about each picture of a unit. */
  about(chunk: UnitKey, pictures: readonly CaptionedPicture[]): Promise<readonly (readonly ImageQuestion[])[]>
  /** What there is to say of it at the end. */
  readonly said?: () => Pick<CaptionSummary, 'funnel' | 'unreadable'>
}

/**
 * The captions, and beside them the answers to questions made from what the policy wrote about each picture first: by a text
 * model, or by templates, whose wrong answers come from what it wrote about other pictures.
 */
export async function questionStage(
  context: StageContext,
  models: RunModels,
  settings: QuestionsRef,
  inputs: QuestionInputs,
): Promise<CaptionOutput> {
  const { dataset, captions, writer, seed, round } = inputs
  const { kinds, perKind, perImage, seed: own = seed } = settings
  const spec = {
    stage: 'caption',
    part: 'questions',
    kind: 'candidates',
    version: 1,
    round,
    settings: writer
      ? { ...replySettings(settings), seed: own, round }
      : { kinds, perKind, perImage, seed: own },
    inputs: { captions: captions.hash, ...(writer ? { writer: writer.hash } : {}) },
  } as const
  const output = await runStage<Candidate[], CaptionSummary>(
    context,
    spec,
    async (units, progress, within) => {
      const asker = writer
        ? await writtenQuestions(within, models, settings, { ...inputs, writer, seed: own })
        : await templateQuestions(within, settings, captions, own)
      let done = 0
      let questions = 0
      for await (const [chunk, candidates] of captions.units.units()) {
        context.signal.throwIfAborted()
        const pictures = captionedPictures(candidates)
        const asked = await asker.about(chunk, pictures)
        const answers = pictures.flatMap(({ captions: _, ...picture }, p) =>
          (asked[p] ?? []).flatMap((question, i) =>
            questionCandidates(question, { ...picture, promptId: `q${i}`, generator: asker.generator }),
          ),
        )
        await units.put(chunk, [...candidates, ...answers])
        done += pictures.length
        questions += answers.length / 2
        progress(done, dataset.summary.images, 'pictures', `${questions} questions`)
      }
      const { candidates } = captions.summary
      return { ...captions.summary, candidates: candidates + 2 * questions, questions, ...asker.said?.() }
    },
  )
  for (const text of unreadableNotes(output.summary)) context.emit({ kind: 'note', text })
  return output
}

/** Templates, which have read all captions before they ask the first question. */
async function templateQuestions(
  { signal }: StageContext,
  settings: QuestionsRef,
  captions: CaptionOutput,
  seed: number,
): Promise<Asker> {
  const templates = new QuestionTemplates(settings, await loadNounFinder(), seed)
  for await (const [, candidates] of captions.units.units()) {
    signal.throwIfAborted()
    for (const picture of captionedPictures(candidates)) templates.learn(picture.captions)
  }
  let place = 0
  return {
    generator: 'template',
    about: async (_, pictures) => pictures.map((picture) => templates.ask(picture.captions, place++)),
  }
}

/** What a text model has written, which it does first. */
async function writtenQuestions(
  context: StageContext,
  models: RunModels,
  settings: QuestionsRef,
  inputs: QuestionInputs & { readonly writer: ModelSource },
): Promise<Asker> {
  const { units } = await replyStage(context, models, settings, inputs)
  const reader = new ReplyReader(settings.perImage)
  return {
    generator: 'writer',
    async about(chunk, pictures) {
      const replies = await units.expect(chunk)
      return pictures.map((picture) =>
        reader.read(
          picture,
          replies.find(({ imageHash }) => imageHash === picture.imageHash),
        ),
      )
    },
    said: () => reader.said(),
  }
}
