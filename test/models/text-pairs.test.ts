import { expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import { type PreferenceExample, readPreferences } from '../../src/data/preference.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import { PromptEncoder } from '../../src/models/prompt-encoder.ts'
import { encodePairs } from '../../src/models/training-pairs.ts'
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

test('plain answers need an end token', async () => {
  const encoder = await encoderOf('lm', golden.cases[0]?.template ?? '')
  expect(() => encoder.encodeTextOnly('a', [[{ role: 'assistant', content: 'b' }]])).toThrow(
    'all as strings or all as messages',
  )
})
