import { openFile } from '../../data/folder.ts'
import type { AnswerLogps } from '../../models/decoder/answer-logps.ts'
import type { Sequence } from '../../models/decoder/batch.ts'
import type { ActiveAdapter } from '../../models/decoder/linear.ts'
import type { PromptEncoder } from '../../models/prompt-encoder.ts'
import { atRow } from '../../models/training-pairs.ts'
import type { Job } from '../job.ts'
import type { RepliesJob, Reply, ReplyRequest } from '../policy.api.ts'

/**
 * First words and log-probabilities of replies, request by request. All turns of a request are packed behind what their
 * prompts have in common, so that the image is computed once.
 */
export async function* readReplies(
  encoder: PromptEncoder,
  logps: AnswerLogps,
  { requests, batchTokens = 2048 }: RepliesJob,
  adapter: ActiveAdapter | undefined,
  { signal, gate }: Pick<Job, 'signal' | 'gate'>,
): AsyncGenerator<Reply[]> {
  let batch: (readonly Sequence[])[] = []
  let tokens = 0
  const read = async (): Promise<Reply[][]> => {
    const predicted = await logps.predict(batch.flat(), adapter)
    let at = 0
    const replies = batch.map((turns) =>
      turns.map((): Reply => {
        const { logps: values = [], likeliest = [] } = predicted[at++] ?? {}
        return {
          firstWord: encoder.decodeText(likeliest.slice(0, 1)).trim(),
          logp: values.reduce((total, value) => total + value, 0),
          numTokens: values.length,
        }
      }),
    )
    batch = []
    tokens = 0
    return replies
  }
  for (const request of requests) {
    await gate()
    const turns = await encodeTurns(encoder, request, signal)
    const added = sizeOf(turns)
    if (batch.length > 0 && tokens + added > batchTokens) yield* await read()
    batch.push(turns)
    tokens += added
  }
  if (batch.length > 0) yield* await read()
}

async function encodeTurns(
  encoder: PromptEncoder,
  { images, turns }: ReplyRequest,
  signal: AbortSignal,
): Promise<Sequence[]> {
  const bytes: Uint8Array<ArrayBuffer>[] = []
  for (const image of images) {
    const source = await openFile(image, signal)
    bytes.push(await source.read(0, source.byteLength, signal))
  }
  const where = images.map((image) => ('url' in image ? image.url : image.name)).join(', ') || 'a request'
  const encoded = await atRow(where, async () => {
    const found: Sequence[] = []
    for (const { prompt, completion } of turns) {
      const asked = typeof prompt === 'string' ? encoder.userPrompt(prompt) : prompt
      const isChat = typeof asked !== 'string' && completion !== undefined
      const ending = isChat ? [{ role: 'assistant', content: completion }] : (completion ?? '')
      const text = isChat ? asked : encoder.renderPrompt(asked, images.length)
      const { prefix, answers } = await encoder.encode(bytes, text, [ending])
      // A completion of no token still asks for the first one; the end token stands in its place.
      const answer = answers[0] && answers[0].length > 0 ? answers[0] : encoder.stopTokens.slice(0, 1)
      found.push({ prefix, answer })
    }
    return found
  })
  const common = Math.min(commonLength(encoded), ...encoded.map(({ prefix }) => prefix.ids.length - 1))
  // What a prompt goes on with is given, as if it were the beginning of the answer.
  return encoded.map(({ prefix, answer }) => ({
    prefix: { ...prefix, key: `${encoded[0]?.prefix.key} ${common}`, ids: prefix.ids.slice(0, common) },
    answer: [...prefix.ids.slice(common), ...answer],
    from: prefix.ids.length - common,
  }))
}

/** How many tokens all prompts begin with. */
function commonLength(sequences: readonly Sequence[]): number {
  const [first, ...others] = sequences.map(({ prefix }) => prefix.ids)
  if (!first) return 0
  let length = 0
  while (length < first.length && others.every((ids) => ids[length] === first[length])) length++
  return length
}

function sizeOf(turns: readonly Sequence[]): number {
  const shared = turns[0]?.prefix.ids.length ?? 0
  return turns.reduce((total, { answer }) => total + answer.length, shared)
}
