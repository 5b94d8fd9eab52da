import { expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import type { Text } from '../../src/data/preference.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import { PromptEncoder } from '../../src/models/prompt-encoder.ts'
import golden from '../goldens/processor/golden.json'
import { goldenFile, goldenModel } from '../support/goldens.ts'

const model = goldenModel('dpo-trainer/model')
const config = parseModelConfig(await readJson(model, 'config.json'))
const file = await goldenFile('dpo-trainer/images/0.png')
const image = await file.read(0, file.byteLength)

/** The golden's model folder with some files put in, changed or (undefined) taken out. */
function folderWith(changed: Readonly<Record<string, string | undefined>>): Folder {
  return {
    name: model.name,
    async open(path, signal) {
      if (!(path in changed)) return await model.open(path, signal)
      const text = changed[path]
      return text === undefined ? undefined : blobSource(new Blob([text]), path)
    },
  }
}

/** Where versions of transformers keep chat template and image processor. */
async function layouts(): Promise<Record<string, Folder>> {
  const processor = (await readJson(model, 'processor_config.json')) as Record<string, unknown>
  const tokenizer = (await readJson(model, 'tokenizer_config.json')) as Record<string, unknown>
  const { image_processor: images, ...rest } = processor
  const older = {
    'processor_config.json': JSON.stringify(rest),
    'preprocessor_config.json': JSON.stringify(images),
  }
  const chat_template = golden.template
  return {
    'transformers 5': folderWith({ 'chat_template.jinja': golden.template }),
    'transformers 4': folderWith({ ...older, 'chat_template.json': JSON.stringify({ chat_template }) }),
    'older ones': folderWith({
      ...older,
      'processor_config.json': undefined,
      'tokenizer_config.json': JSON.stringify({ ...tokenizer, chat_template }),
    }),
  }
}

test("token ids equal those of TRL's collator, from every layout of a model folder", async () => {
  for (const [name, folder] of Object.entries(await layouts())) {
    const encoder = await PromptEncoder.load(folder, config)
    for (const { prompt, chosen, rejected, ids } of golden.examples) {
      const { prefix, answers } = await encoder.encode([image], prompt as Text, [chosen, rejected] as Text[])
      expect({ prompt: prefix.ids, chosen: answers[0], rejected: answers[1] }, name).toEqual(ids)
      expect(prefix.features).toHaveLength(4 * 32)
    }
    expect(encoder.stopTokens).toEqual([2])
    expect(encoder.decodeText([5, 7, 2])).toBe('a dog')
    encoder.release()
  }
})

test('the template of a model without images is given plain texts', async () => {
  const template =
    "{% for m in messages %}{{ '<s> ' + m['role'] + ' : ' + m['content'] }} </s> {% endfor %}" +
    "{% if add_generation_prompt %}{{ '<s> assistant :' }}{% endif %}"
  const blind = parseModelConfig(await readJson(goldenModel('decoders/llama'), 'config.json'))
  const encoder = await PromptEncoder.load(folderWith({ 'chat_template.jinja': template }), blind)
  expect(encoder.renderPrompt(encoder.userPrompt('describe'), 0)).toBe(
    '<s> user : describe </s> <s> assistant :',
  )
  expect(encoder.renderPrompt([{ role: 'assistant', content: 'a dog' }], 0)).toBe('<s> assistant : a dog')
  const chat = [{ role: 'user', content: 'describe' }] as const
  const { answers } = await encoder.encode([], chat, [[{ role: 'assistant', content: 'a dog' }]])
  expect(encoder.decodeText(answers[0] ?? [])).toBe('a dog')
  encoder.release()
})

test('images and image places that do not fit are refused', async () => {
  const encoder = await PromptEncoder.load(model, config)
  await expect(encoder.encode([image], '<s> describe the picture :', [])).rejects.toThrow(
    'expected an image token in the prompt for each of 1 images, got 0',
  )
  await expect(encoder.encode([], '<s> <image> describe', [])).rejects.toThrow('got 1')
  await expect(encoder.encode([], [{ role: 'user', content: 'describe' }], [])).rejects.toThrow(
    'no chat template',
  )
  encoder.release()
})

test('nothing is asked of another origin', () => {
  const foreign = performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter((name) => !name.startsWith(location.origin) && !/^(blob|data):/.test(name))
  expect(foreign).toEqual([])
})
