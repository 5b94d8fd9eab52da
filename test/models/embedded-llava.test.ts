import {
  env,
  LlavaForConditionalGeneration,
  LlavaProcessor,
  RawImage,
  type Tensor,
} from '@huggingface/transformers'
import factoryUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import { datasetSource } from '../../src/pipeline/sources.ts'

const PICTURES = 4
const PROMPT = 'Describe this image.'
const site = new URL('/', location.href).href
let pictures: Blob[]
let policy: PolicyClient

beforeAll(async () => {
  const dataset = await openImageDataset(datasetSource('embedded:emoji-scenes/heldout', { site }))
  pictures = []
  for await (const { bytes } of dataset.records()) {
    pictures.push(new Blob([bytes]))
    if (pictures.length === PICTURES) break
  }
  policy = openPolicy()
  await policy.load({ url: new URL('models/emoji-llava', site).href })
})
afterAll(() => policy.close())

/** The folder as transformers.js alone reads it, from a server. */
async function withTransformersJs(): Promise<string[]> {
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.useBrowserCache = false
  env.localModelPath = '/models/'
  const wasm = env.backends.onnx.wasm
  if (!wasm) throw new Error('expected transformers.js to compute in WASM')
  wasm.wasmPaths = { wasm: new URL(wasmUrl, site).href, mjs: new URL(factoryUrl, site).href }
  wasm.numThreads = 1
  const processor = await LlavaProcessor.from_pretrained('emoji-llava', {})
  const model = await LlavaForConditionalGeneration.from_pretrained('emoji-llava', {
    dtype: 'fp32',
    device: 'wasm',
  })
  const chat = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: PROMPT }] }]
  const prompt = processor.apply_chat_template(chat as never, { add_generation_prompt: true })
  const texts: string[] = []
  for (const picture of pictures) {
    const inputs = await processor(await RawImage.fromBlob(picture), prompt)
    const output = (await model.generate({ ...inputs, max_new_tokens: 64, do_sample: false })) as Tensor
    const answer = output.slice(null, [inputs.input_ids.dims.at(-1), null])
    texts.push(processor.batch_decode(answer, { skip_special_tokens: true })[0]?.trim() ?? '')
  }
  await model.dispose()
  return texts
}

test('transformers.js alone captions scenes with emoji-llava, in the words our decoder has', async () => {
  const theirs = await withTransformersJs()
  const ours = await policy.generate({
    requests: pictures.map((blob, i) => ({ images: [{ name: `${i}.png`, blob }], prompt: PROMPT })),
    temperature: 0,
    maxNewTokens: 64,
  })
  expect(ours.map(({ text }) => text.trim())).toEqual(theirs)
  expect(new Set(theirs).size).toBe(PICTURES)
  for (const text of theirs) expect(text).toMatch(/^[A-Z].*\.$/)
})
