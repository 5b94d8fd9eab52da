import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import type { Text } from '../../src/data/preference.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import { PromptEncoder } from '../../src/models/prompt-encoder.ts'
import golden from '../goldens/idefics3-markup/golden.json'
import { goldenFile, goldenModel } from '../support/goldens.ts'

/** A model folder of Idefics 3's tokenizer, with a vision encoder of as many rows as its images have tokens. */
const marked = goldenModel('idefics3-markup')
const seeing = goldenModel('dpo-trainer/model')
let image: Uint8Array<ArrayBuffer>
let encoder: PromptEncoder

beforeAll(async () => {
  const { image_processor } = (await readJson(seeing, 'processor_config.json')) as Record<string, unknown>
  const processor = JSON.stringify({ image_processor, image_seq_len: golden.imageTokens })
  const texts: Record<string, string> = {
    'processor_config.json': processor,
    'chat_template.jinja': golden.template,
  }
  const folder: Folder = {
    name: 'idefics3',
    async open(path) {
      const text = texts[path]
      if (text !== undefined) return blobSource(new Blob([text]), path)
      return await (path.startsWith('tokenizer') ? marked : seeing).open(path)
    },
  }
  const config = {
    ...parseModelConfig(await readJson(seeing, 'config.json')),
    architecture: 'Idefics3ForConditionalGeneration',
    imageTokenId: golden.imageTokenId,
  }
  encoder = await PromptEncoder.load(folder, config)
  const file = await goldenFile('dpo-trainer/images/0.png')
  image = await file.read(0, file.byteLength)
})
afterAll(() => encoder.release())

test.each(golden.examples)(
  'the marks around images equal those of Python’s processor: $text',
  async (example) => {
    const images = Array<typeof image>(example.images).fill(image)
    const { prefix } = await encoder.encode(images, example.prompt as Text, [])
    expect(prefix.ids).toEqual(example.ids)
    const rendered = encoder.renderPrompt(example.prompt as Text, example.images)
    expect(rendered).toBe(example.text)
    expect((await encoder.encode(images, rendered, [])).prefix.ids).toEqual(example.ids)
  },
)

test('a context joins a prompt as an answer of that text would', async () => {
  const prompt = golden.examples[4]?.prompt as Text
  const tokens = async (text: Text) => (await encoder.encode([image], text, [])).prefix.ids
  const before = await tokens(prompt)
  for (const context of [' A red ball.', 'A dog.', '\nNo,']) {
    const ids = await tokens(encoder.renderPrompt(prompt, 1, context))
    expect(ids.slice(0, before.length)).toEqual(before)
    expect(encoder.decodeText(ids.slice(before.length))).toBe(context)
    expect(encoder.decodeText(ids.slice(-1), context)).toBe(context + encoder.decodeText(ids.slice(-1)))
  }
})
