import { endedText, type TextEnds, textEndRule } from '../../models/answer-end.ts'
import type { Generation } from '../../models/decoder/generation.ts'
import type { Generator } from '../../models/decoder/generator.ts'
import type { ActiveAdapter } from '../../models/decoder/linear.ts'
import type { PolicyModel } from '../../models/policy-model.ts'
import type { PromptEncoder } from '../../models/prompt-encoder.ts'
import type { Job } from '../job.ts'
import type { Answer, GenerateJob } from '../policy.api.ts'
import { type EncodedRequest, encodeParts } from './requests.ts'

/**
 * Answers a job's requests, as many at once as have their image features in memory together.
 * @param onGrown called with the answers that have grown. Default nobody looks.
 * @param partBytes as `encodeParts`.
 */
export async function writeAnswers(
  { policy, generator }: { readonly policy: PolicyModel; readonly generator: Generator },
  job: GenerateJob,
  adapter: ActiveAdapter | undefined,
  { signal, gate }: Pick<Job, 'signal' | 'gate'>,
  onGrown?: (grown: Answer[]) => void,
  partBytes?: number,
): Promise<Answer[]> {
  const { requests, stopAfter, stopStrings, adapter: _, strength: __, call: ___, ...rest } = job
  const { maxNewTokens = 256, temperature = 0, ...settings } = rest
  const { encoder } = policy
  const ends = { ...(stopAfter ? { stopAfter } : {}), ...(stopStrings ? { stopStrings } : {}) }
  const endsAt = textEndRule((tokens) => encoder.decodeText(tokens), ends)
  const answers: Answer[] = []
  let first = 0
  for await (const part of encodeParts(encoder, requests, signal, partBytes)) {
    const start = first
    const answer = (generation: Generation): Answer =>
      answerOf(encoder, generation, part[generation.request - start], ends)
    const written = await generator.generate(
      part.map(({ request }) => request),
      { ...settings, temperature, maxNewTokens, stopTokens: encoder.stopTokens },
      {
        adapter,
        signal,
        gate,
        first,
        ...(endsAt ? { endsAt } : {}),
        ...(onGrown ? { onTokens: (grown) => onGrown(grown.map(answer)) } : {}),
      },
    )
    answers.push(...written.map(answer))
    first += part.length
  }
  return answers
}

function answerOf(
  encoder: PromptEncoder,
  generation: Generation,
  { imageHashes = [], context = '' }: Partial<EncodedRequest> = {},
  ends: TextEnds,
): Answer {
  const { tokens, finishReason } = generation
  const text = encoder.decodeText(tokens)
  const ended = endedText(text, ends)
  const whole = context === '' ? text : encoder.decodeText(tokens, context)
  const isToken = encoder.stopTokens.includes(tokens.at(-1) ?? -1)
  return {
    ...generation,
    text: ended?.text ?? text,
    whole: ended ? whole.slice(0, whole.length - (text.length - ended.text.length)) : whole,
    ...(finishReason === 'stop' ? { stoppedBy: isToken ? 'token' : (ended?.by ?? 'sentence') } : {}),
    imageHashes,
  }
}
