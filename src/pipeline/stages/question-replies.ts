import type { Candidate } from '../../method/candidate.ts'
import { questionPrompt, WRITTEN_QUESTIONS } from '../../method/written-questions.ts'
import type { GenerateRequest } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import type { ModelSource, RunModels } from '../models.ts'
import type { QuestionsRef } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { CaptionOutput } from './caption.ts'
import { captionedPictures } from './captioned.ts'
import type { DatasetOutput } from './dataset.ts'

/** What a text model wrote when it was asked for questions about one picture. */
export interface QuestionReply {
  readonly imageHash: string
  readonly text: string
  readonly finishReason: 'stop' | 'length'
}

export interface ReplyInputs {
  readonly dataset: DatasetOutput
  readonly captions: CaptionOutput
  readonly writer: ModelSource
  readonly seed: number
  readonly round: number
}

/** What of the settings a reply depends on. @throws {RangeError} when they name no writer. */
export function replySettings({ writer, perImage }: QuestionsRef) {
  if (!writer) throw new RangeError('questions: expected settings of their writer, got none')
  const { prompt, temperature, max_new_tokens: maxNewTokens } = writer
  return { prompt, temperature, maxNewTokens, count: perImage ?? WRITTEN_QUESTIONS }
}

/**
 * Has a text model write questions about every picture from its captions; what it replies is kept as it is. It takes the policy's
 * place on the GPU.
 */
export async function replyStage(
  context: StageContext,
  models: RunModels,
  settings: QuestionsRef,
  { dataset, captions, writer, seed, round }: ReplyInputs,
): Promise<StageOutput<QuestionReply[], { readonly replies: number }>> {
  const asked = replySettings(settings)
  const spec = {
    stage: 'caption',
    part: 'question replies',
    kind: 'candidates',
    version: 1,
    round,
    settings: { ...asked, seed, round },
    inputs: { captions: captions.hash, writer: writer.hash },
  } as const
  const write = async (candidates: readonly Candidate[]): Promise<QuestionReply[]> => {
    const pictures = captionedPictures(candidates).filter(({ captions: own }) => own.length > 0)
    const requests = pictures.map(
      ({ captions: own }): GenerateRequest => ({
        images: [],
        prompt: questionPrompt(asked.prompt, own, asked.count),
        seed,
        round,
      }),
    )
    const client = await models.writer(writer)
    const { temperature, maxNewTokens } = asked
    const answers = await cancellable(context.signal, client, () =>
      client.generate({ requests, temperature, maxNewTokens }),
    )
    return answers.map(({ request, text, finishReason = 'length' }) => ({
      imageHash: pictures[request]?.imageHash ?? '',
      text,
      finishReason,
    }))
  }
  return await runStage<QuestionReply[], { replies: number }>(context, spec, async (units, progress) => {
    let done = 0
    let replies = 0
    for await (const [chunk, candidates] of captions.units.units()) {
      context.signal.throwIfAborted()
      let written = await units.get(chunk)
      if (!written) {
        written = await write(candidates)
        await units.put(chunk, written)
      }
      done += new Set(candidates.map(({ imageHash }) => imageHash)).size
      replies += written.length
      progress(done, dataset.summary.images, 'pictures', `${replies} replies`)
    }
    return { replies }
  })
}
