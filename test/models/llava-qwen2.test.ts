import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { AnswerLogps } from '../../src/models/decoder/answer-logps.ts'
import { PolicyModel } from '../../src/models/policy-model.ts'
import { expectClose } from '../support/close.ts'
import { goldenFile, goldenModel, goldenTensors } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

const decoder = goldenModel('decoders/llava-qwen2')
const seeing = goldenModel('dpo-trainer/model')
const IMAGE = '<image>'
let policy: PolicyModel

/** A folder as README says it has to be: LLaVA's own checkpoint, and beside it what transformers.js adds. */
function folder(without?: string): Folder {
  return {
    name: 'llava-qwen2',
    async open(path, signal) {
      if (path === without) return undefined
      if (path === 'model.safetensors') return await decoder.open(path, signal)
      if (path !== 'config.json') return await seeing.open(path, signal)
      const config = (await readJson(decoder, path)) as object
      return blobSource(new Blob([JSON.stringify({ ...config, image_token_index: 4 })]), path)
    },
  }
}

beforeAll(async () => {
  policy = await PolicyModel.load(await testGpu(), folder())
})
afterAll(() => policy.release())

test('a LlavaQwen2 answers about a picture as its decoder does about PyTorch’s features of it', async () => {
  expect(policy.config.architecture).toBe('LlavaQwen2ForCausalLM')
  const features = (await goldenTensors('dpo-trainer/golden.safetensors')).get('image_features') ?? []
  const perImage = features.length / 12
  const logps = new AnswerLogps(await testGpu(), policy.decoder, policy.config.imageTokenId)
  const of = async (image: number, given?: Float32Array) => {
    const source = await goldenFile(`dpo-trainer/images/${image}.png`)
    const bytes = await source.read(0, source.byteLength)
    const prompt = `<s> ${IMAGE} is the dog near :`
    const { prefix, answers } = await policy.encoder.encode([bytes], prompt, ['picture big a </s>'])
    expect(prefix.ids.filter((id) => id === 4)).toHaveLength(4)
    const [measured] = await logps.measure([
      { prefix: given ? { ...prefix, features: given } : prefix, answer: answers[0] ?? [] },
    ])
    return measured ?? []
  }
  for (const image of [0, 5]) {
    const expected = Float32Array.from(features.slice(image * perImage, (image + 1) * perImage))
    expectClose(await of(image), await of(image, expected), 'logps', `image ${image}`)
  }
  expect(await of(0)).not.toEqual(await of(5))
  logps.release()
})

test('without its vision encoder it takes no pictures, and without its processor’s file it is refused', async () => {
  const text = await PolicyModel.load(await testGpu(), folder('onnx/vision_encoder.onnx'))
  const source = await goldenFile('dpo-trainer/images/0.png')
  const bytes = await source.read(0, source.byteLength)
  await expect(text.encoder.encode([bytes], IMAGE, [])).rejects.toThrow('onnx/vision_encoder*.onnx')
  text.release()
  const loading = PolicyModel.load(await testGpu(), folder('processor_config.json'))
  await expect(loading).rejects.toThrow('or preprocessor_config.json, found neither')
})
