import { describe, expect, test } from 'vitest'
import { parseModelConfig } from '../../src/models/config.ts'
import { positionsOf } from '../../src/models/decoder/positions.ts'
import { ImageProcessor } from '../../src/models/image-processor.ts'
import { imageTokens } from '../../src/models/image-tokens.ts'
import golden from '../goldens/anyres/golden.json'
import next from '../goldens/anyres/next/processor_config.json'
import onevision from '../goldens/anyres/onevision/processor_config.json'
import idefics3 from '../goldens/idefics3/model/processor_config.json'

const most = (processor: Readonly<Record<string, unknown>>, images: object = {}) => {
  const { image_processor, ...json } = processor
  return imageTokens(json, new ImageProcessor({ ...(image_processor as object), ...images })).most
}
const HUB = { patch_size: 14, num_additional_image_tokens: 1, vision_feature_select_strategy: 'default' }
const plain = { do_normalize: false }
const NO_PARTS = { rows: 0, cols: 0 }

describe('the most tokens an image may take', () => {
  test.each([
    ['a cropped LLaVA', { size: { shortest_edge: 336 }, do_center_crop: true, crop_size: 336 }, 576],
    ['a stretched LLaVA', { size: { height: 384, width: 384 } }, 729],
  ])('%s', (_, images, tokens) => {
    const image_processor = { image_processor_type: 'CLIPImageProcessor', ...plain, ...images }
    expect(most({ ...HUB, image_processor })).toEqual({ tokens, parts: NO_PARTS })
  })

  test('is not known where tiles are as large as the image, or of any number', () => {
    const image_processor = {
      image_processor_type: 'CLIPImageProcessor',
      ...plain,
      size: { shortest_edge: 336 },
    }
    expect(most({ ...HUB, image_processor })).toBeUndefined()
    expect(most(idefics3, { do_resize: false })).toBeUndefined()
  })

  test.each([
    ['next', next, golden.next.pictures],
    ['onevision', onevision, golden.onevision.pictures],
  ])('is above that of every picture: %s', (_, processor, pictures) => {
    const tokens = most(processor)?.tokens ?? 0
    const largest = Math.max(...Object.values(pictures).map(({ imageTokens: n }) => n))
    expect(tokens).toBeGreaterThanOrEqual(largest)
    expect(tokens).toBeLessThan(1.3 * largest)
  })

  test('of Idefics 3 and SmolVLM counts every tile', () => {
    const smol = { size: { longest_edge: 2048 }, max_image_size: { longest_edge: 512 } }
    expect(most({ ...idefics3, image_seq_len: 64 }, smol)).toEqual({
      tokens: 17 * 64,
      parts: { rows: 4, cols: 4 },
    })
    const split = { ...smol, do_image_splitting: false }
    expect(most({ ...idefics3, image_seq_len: 64 }, split)).toEqual({ tokens: 64, parts: NO_PARTS })
    expect(most(idefics3, { size: { longest_edge: 11 } })).toEqual({ tokens: 4, parts: NO_PARTS })
    expect(most(idefics3, { size: { longest_edge: 13 } })?.parts).toEqual({ rows: 2, cols: 2 })
    expect(most(idefics3, { size: { height: 12, width: 36 } })?.parts).toEqual({ rows: 1, cols: 3 })
  })
})

test('a session reaches as far as the largest image needs', () => {
  const { decoder: model } = parseModelConfig({
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    max_position_embeddings: 32768,
  })
  expect(positionsOf(model)).toBe(4096)
  expect(positionsOf(model, undefined, 576)).toBe(4096)
  expect(positionsOf(model, undefined, 8765)).toBe(17530)
  expect(positionsOf({ ...model, maxPositions: 8192 }, undefined, 8765)).toBe(8192)
  expect(positionsOf({ ...model, slidingWindow: 2048 }, undefined, 576)).toBe(2048)
})
