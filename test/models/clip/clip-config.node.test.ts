import { expect, test } from 'vitest'
import { parseClipConfig } from '../../../src/models/clip/clip-config.ts'

test('a config that leaves values out has those of transformers', () => {
  const base = { projectionDim: 512, contextLength: 77, imageSize: 224 }
  expect(parseClipConfig({ model_type: 'clip' })).toEqual(base)
  expect(parseClipConfig({ model_type: 'clip', text_config: {}, vision_config: null })).toEqual(base)
  const config = {
    model_type: 'clip',
    projection_dim: 768,
    text_config: { max_position_embeddings: 248, projection_dim: 512 },
    vision_config: { image_size: 336 },
  }
  expect(parseClipConfig(config)).toEqual({ projectionDim: 768, contextLength: 248, imageSize: 336 })
})

test.each([
  [{}, 'config.json: model_type: missing'],
  [{ model_type: 'chinese_clip' }, 'model_type: expected clip, got chinese_clip'],
  [{ model_type: 'clip', projection_dim: 0 }, 'config.json: projection_dim: expected >=1, got 0'],
  [{ model_type: 'clip', vision_config: { image_size: '224' } }, 'vision_config.image_size: expected number'],
])('%j is refused', (config, message) => {
  expect(() => parseClipConfig(config)).toThrow(message)
})
