import { expect, test } from 'vitest'
import { cachedModels, modelName } from '../../src/pipeline/cached-models.ts'

test('files are told by the model they belong to, graphs and all, the largest first', () => {
  const site = 'http://localhost:4173/some/where/models/emoji-clip/'
  const hub = 'https://huggingface.co/org/name/resolve/main/'
  const models = cachedModels([
    { url: `${site}config.json`, byteLength: 10, keptBytes: 10 },
    { url: `${site}onnx/text_model.onnx`, byteLength: 90, keptBytes: 90 },
    { url: `${hub}model.safetensors`, byteLength: 1000, keptBytes: 800 },
    { url: `${hub}onnx/vision_encoder.onnx`, byteLength: 100, keptBytes: 100 },
  ])
  expect(models).toEqual([
    { url: hub, name: 'org/name', files: 2, byteLength: 1100, keptBytes: 900 },
    { url: site, name: 'emoji-clip', files: 2, byteLength: 100, keptBytes: 100 },
  ])
})

test('a revision other than the main one is part of the name', () => {
  expect(modelName('https://huggingface.co/org/name/resolve/abc123')).toBe('org/name@abc123')
  expect(modelName('https://example.org/my%20model/')).toBe('my model')
})
