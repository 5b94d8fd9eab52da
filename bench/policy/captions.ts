import {
  env,
  LlavaForConditionalGeneration,
  LlavaProcessor,
  RawImage,
  type Tensor,
} from '@huggingface/transformers'
import factoryUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import { openFolder } from '../../src/data/folder.ts'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import { PolicyModel } from '../../src/models/policy-model.ts'
import { datasetSource } from '../../src/pipeline/sources.ts'
import { median, type PolicyOptions, type Say, timed } from './figures.ts'

const PICTURES = 16
const MAX_NEW_TOKENS = 64
const PROMPT = 'Describe this image.'
/** transformers.js on WebGPU needs seconds for a caption here. */
const FEW = 2

type Caption = (pictures: readonly Uint8Array<ArrayBuffer>[]) => Promise<string[]>

/** Greedy captions by the embedded LLaVA, beside transformers.js with ONNX Runtime on WASM and on WebGPU. */
export async function captions(gpu: Gpu, { rounds }: PolicyOptions, say: Say): Promise<void> {
  const site = new URL('/', location.href).href
  const pictures = await heldOut(site)
  const own = await ownCaptions(gpu, site)
  const entries: { name: string; caption: Caption; pictures: number; ms: number[] }[] = [
    { name: 'clip-dpo, all at once', caption: own, pictures: PICTURES, ms: [] },
    { name: 'clip-dpo, one by one', caption: oneByOne(own), pictures: PICTURES, ms: [] },
    { name: 'transformers.js wasm', caption: await theirCaptions(site, 'wasm'), pictures: PICTURES, ms: [] },
    { name: 'transformers.js webgpu', caption: await theirCaptions(site, 'webgpu'), pictures: FEW, ms: [] },
  ]
  const right = await own(pictures)
  for (const { name, caption, pictures: count } of entries) {
    const texts = await caption(pictures.slice(0, count))
    const same = texts.filter((text, i) => text === right[i]).length
    say({ name: `${name}, captions like ours`, value: same, unit: `of ${count}` })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { caption, pictures: count, ms } of entries)
      ms.push((await timed(() => caption(pictures.slice(0, count)))) / count)
  }
  const first = median(entries[0]?.ms ?? [])
  for (const { name, ms } of entries)
    say({ name, value: median(ms), unit: 'ms a caption', note: `${(median(ms) / first).toFixed(1)}x ours` })
}

function oneByOne(caption: Caption): Caption {
  return async (pictures) => {
    const texts: string[] = []
    for (const picture of pictures) texts.push(...(await caption([picture])))
    return texts
  }
}

async function heldOut(site: string): Promise<Uint8Array<ArrayBuffer>[]> {
  const dataset = await openImageDataset(datasetSource('embedded:emoji-scenes/heldout', { site }))
  const pictures: Uint8Array<ArrayBuffer>[] = []
  for await (const { bytes } of dataset.records()) {
    pictures.push(bytes)
    if (pictures.length === PICTURES) break
  }
  return pictures
}

/** Vision encoder included: a byte more behind each picture makes it one whose features are not known yet. */
async function ownCaptions(gpu: Gpu, site: string): Promise<Caption> {
  const files = openFolder({ url: new URL('models/emoji-llava', site).href })
  const { encoder, decoder, config } = await PolicyModel.load(gpu, files)
  const generator = await Generator.create(gpu, decoder, config.imageTokenId)
  let calls = 0
  return async (known) => {
    const mark = new Uint8Array(Uint32Array.of(calls++).buffer)
    const pictures = known.map((bytes) => Uint8Array.of(...bytes, ...mark))
    await encoder.prepare(pictures.map((picture) => [picture]))
    const requests = await Promise.all(
      pictures.map(async (bytes, image) => {
        const { prefix } = await encoder.encode([bytes], encoder.userPrompt(PROMPT), [])
        return { prefix, candidates: 1, seed: 0, round: 0, image, prompt: 0 }
      }),
    )
    const settings = { temperature: 0, maxNewTokens: MAX_NEW_TOKENS, stopTokens: encoder.stopTokens }
    const answers = await generator.generate(requests, settings)
    return answers.map(({ tokens }) => encoder.decodeText(tokens).trim())
  }
}

async function theirCaptions(site: string, device: 'wasm' | 'webgpu'): Promise<Caption> {
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.useBrowserCache = false
  env.localModelPath = '/models/'
  const { wasm } = env.backends.onnx
  if (!wasm) throw new Error('expected transformers.js to compute in WASM')
  wasm.wasmPaths = { wasm: new URL(wasmUrl, site).href, mjs: new URL(factoryUrl, site).href }
  wasm.numThreads = 1
  const processor = await LlavaProcessor.from_pretrained('emoji-llava', {})
  const model = await LlavaForConditionalGeneration.from_pretrained('emoji-llava', { dtype: 'fp32', device })
  const chat = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: PROMPT }] }]
  const prompt = processor.apply_chat_template(chat as never, { add_generation_prompt: true })
  return async (pictures) => {
    const texts: string[] = []
    for (const picture of pictures) {
      const inputs = await processor(await RawImage.fromBlob(new Blob([picture])), prompt)
      const options = { ...inputs, max_new_tokens: MAX_NEW_TOKENS, do_sample: false }
      const output = (await model.generate(options)) as Tensor
      const answer = output.slice(null, [inputs.input_ids.dims.at(-1), null])
      texts.push(processor.batch_decode(answer, { skip_special_tokens: true })[0]?.trim() ?? '')
    }
    return texts
  }
}
