import { expect, test } from 'vitest'
import { inspectModel } from '../../src/pipeline/inspect-model.ts'

const blob = (text: string): Blob => new Blob([text])
const folder = (files: Readonly<Record<string, string>>) => ({
  name: 'm',
  files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, blob(text)])),
})
const LLAVA = {
  'config.json': '{"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}',
  'tokenizer.json': '{}',
  'model.safetensors': '12345',
  'onnx/vision_encoder_quantized.onnx': '123',
}

test('a policy is told with its architecture and the bytes that would be loaded', async () => {
  expect(await inspectModel(folder(LLAVA), 'policy')).toEqual({
    architecture: 'LlavaForConditionalGeneration',
    byteLength: 8,
    missing: [],
  })
})

test('weights in several files count together, and one that is missing is missed', async () => {
  const { 'model.safetensors': _, ...rest } = LLAVA
  const index = JSON.stringify({
    weight_map: { a: 'one.safetensors', b: 'two.safetensors', c: 'one.safetensors' },
  })
  const sharded = { ...rest, 'model.safetensors.index.json': index, 'one.safetensors': '1234' }
  const whole = await inspectModel(folder({ ...sharded, 'two.safetensors': '12' }), 'policy')
  expect(whole).toMatchObject({ byteLength: 9, missing: [] })
  expect((await inspectModel(folder(sharded), 'policy')).missing).toEqual(['model.safetensors'])
})

test('what is missing for its role is named', async () => {
  expect(await inspectModel(folder(LLAVA), 'clip')).toMatchObject({
    missing: ['onnx/text_model.onnx', 'onnx/vision_model.onnx'],
  })
  expect(await inspectModel(folder({ 'README.md': 'x' }), 'policy')).toEqual({
    byteLength: 0,
    missing: ['config.json', 'tokenizer.json', 'onnx/vision_encoder.onnx', 'model.safetensors'],
  })
})
