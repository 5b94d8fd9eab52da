import { expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import { type PreferenceExample, readPreferences } from '../../src/data/preference.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import type { AnswerLogps } from '../../src/models/decoder/answer-logps.ts'
import type { Sequence } from '../../src/models/decoder/batch.ts'
import { PromptEncoder } from '../../src/models/prompt-encoder.ts'
import { encodePairs } from '../../src/models/training-pairs.ts'
import { measureCompletions } from '../../src/workers/policy/logps.ts'
import golden from '../goldens/text-pairs/golden.json'
import { goldenModel } from '../support/goldens.ts'

const seeing = parseModelConfig(await readJson(goldenModel('dpo-trainer/model'), 'config.json'))
/** Of a model with a processor, and of one with a tokenizer alone. */
const CONFIGS = { vlm: seeing, lm: { ...seeing, imageTokenId: undefined } }

async function encoderOf(folder: keyof typeof CONFIGS, template: string): Promise<PromptEncoder> {
  const files = goldenModel(`text-pairs/${folder}`)
  const withTemplate: Folder = {
    name: folder,
    open: async (path, signal) =>
      path === 'chat_template.jinja'
        ? blobSource(new Blob([template]), path)
        : await files.open(path, signal),
  }
  return await PromptEncoder.load(withTemplate, CONFIGS[folder])
}

test.each(golden.cases)(
  '$name: rows without an image column have TRL’s tokens',
  async ({ folder, template, maxLength, rows, prepared }) => {
    const encoder = await encoderOf(folder as 'lm' | 'vlm', template)
    const examples: AsyncIterable<PreferenceExample> = readPreferences({ name: 'rows', rows })
    const { pairs, dropped } = await encodePairs(encoder, examples, async () => undefined, {
      maxLength,
      maxPositions: 1000,
    })
    const ours = pairs.map(({ prefix, chosen, rejected }) => ({
      prompt_ids: prefix.ids,
      chosen_ids: chosen,
      rejected_ids: rejected,
    }))
    expect(ours).toEqual(prepared)
    expect(dropped).toBe(rows.length - prepared.length)
    encoder.release()
  },
)

test.each(golden.cases.filter(({ rows, prepared }) => rows.length === prepared.length))(
  '$name: what is measured of them has these tokens too',
  async ({ folder, template, rows, prepared }) => {
    const encoder = await encoderOf(folder as 'lm' | 'vlm', template)
    const measure = async (column: 'chosen' | 'rejected') => {
      const measured: Sequence[] = []
      const logps = {
        async measure(sequences: readonly Sequence[]) {
          measured.push(...sequences)
          return sequences.map(({ answer }) => answer.map(() => 0))
        },
      } as unknown as AnswerLogps
      const completions = (rows as readonly Record<string, unknown>[]).map((row) => ({
        prompt: row.prompt,
        completion: row[column],
      }))
      const job = { rows: completions, images: { name: 'none', files: {} } }
      const running = { signal: new AbortController().signal, gate: async () => {} }
      for await (const _ of measureCompletions(encoder, logps, job, undefined, running));
      return measured.map(({ prefix, answer }) => ({ prompt: prefix.ids, answer }))
    }
    expect(await measure('chosen')).toEqual(
      prepared.map(({ prompt_ids, chosen_ids }) => ({ prompt: prompt_ids, answer: chosen_ids })),
    )
    expect(await measure('rejected')).toEqual(
      prepared.map(({ prompt_ids, rejected_ids }) => ({ prompt: prompt_ids, answer: rejected_ids })),
    )
    encoder.release()
  },
)

test('plain answers need an end token', async () => {
  const encoder = await encoderOf('lm', golden.cases[0]?.template ?? '')
  expect(() => encoder.encodeTextOnly('a', [[{ role: 'assistant', content: 'b' }]])).toThrow(
    'all as strings or all as messages',
  )
})
