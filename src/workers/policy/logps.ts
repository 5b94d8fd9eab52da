import { type CompletionExample, readCompletions } from '../../data/preference.ts'
import type { AnswerLogps } from '../../models/decoder/answer-logps.ts'
import type { Sequence } from '../../models/decoder/batch.ts'
import type { ActiveAdapter } from '../../models/decoder/linear.ts'
import { imagesAhead } from '../../models/images-ahead.ts'
import type { PromptEncoder } from '../../models/prompt-encoder.ts'
import { atRow } from '../../models/training-pairs.ts'
import type { Job } from '../job.ts'
import type { CompletionLogps, LogpsJob } from '../policy.api.ts'
import { openDataset, withoutBytes } from './dataset.ts'

interface Pending {
  readonly example: CompletionExample
  readonly sequence: Sequence
}

/** Log-probabilities of a dataset's completions, of tokens as training has them, a batch at a time, in its order. */
export async function* measureCompletions(
  encoder: PromptEncoder,
  logps: AnswerLogps,
  job: LogpsJob,
  adapter: ActiveAdapter | undefined,
  { signal, gate }: Pick<Job, 'signal' | 'gate'>,
): AsyncGenerator<CompletionLogps> {
  const { batchSize = 8 } = job
  const { source, open } = await openDataset(job, signal)
  const measure = async (batch: readonly Pending[]): Promise<CompletionLogps[]> => {
    const sequences = batch.map(({ sequence }) => sequence)
    const measured = await logps.measure(sequences, adapter)
    return batch.map(({ example }, i) => {
      const tokenLogps = measured[i] ?? []
      const logp = tokenLogps.reduce((total, value) => total + value, 0)
      return { row: withoutBytes(example.values), logp, numTokens: tokenLogps.length, tokenLogps }
    })
  }
  const batch: Pending[] = []
  for await (const { row: example, images } of imagesAhead(
    readCompletions(source, signal),
    open,
    encoder,
    signal,
  )) {
    await gate()
    const { where, isTextOnly, prompt, completion } = example
    const { prefix, answers } = await atRow(where, async () =>
      isTextOnly
        ? encoder.encodeTextOnly(prompt, [completion])
        : await encoder.encode(images, prompt, [completion]),
    )
    batch.push({ example, sequence: { prefix, answer: answers[0] ?? [] } })
    if (batch.length >= batchSize) yield* await measure(batch.splice(0))
  }
  if (batch.length > 0) yield* await measure(batch)
}
