import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import { decodeImage } from '../../src/models/decode-image.ts'
import { packSequences } from '../../src/models/decoder/batch.ts'
import { ImageEncoder } from '../../src/models/image-encoder.ts'
import { type FeatureStore, ImageFeatures } from '../../src/models/image-features.ts'
import { ImageProcessor } from '../../src/models/image-processor.ts'
import { PolicyModel } from '../../src/models/policy-model.ts'
import { readProcessorFiles } from '../../src/models/processor-files.ts'
import { markedTiles } from '../../src/models/tile-marks.ts'
import golden from '../goldens/idefics3/golden.json'
import { expectClose } from '../support/close.ts'
import { goldenFile, goldenModel, goldenTensors } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

const folder = goldenModel('idefics3/model')
const tensors = await goldenTensors('idefics3/golden.safetensors')
let settings: Record<string, unknown>
let policy: PolicyModel

beforeAll(async () => {
  settings = (await readProcessorFiles(folder)).imageProcessor as Record<string, unknown>
  policy = await PolicyModel.load(await testGpu(), folder)
})
afterAll(() => policy.release())

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await goldenFile(path)
  return await source.read(0, source.byteLength)
}
const picture = (name: string) => bytesOf(`anyres/${name}.png`)

describe('an image is split as transformers splits it with Pillow, bit for bit', () => {
  test.for(['wide', 'tall', 'tiny', 'square', 'sliver'])('%s', async (name) => {
    const { tiles, parts } = new ImageProcessor(settings).cut(await decodeImage(await picture(name)))
    const strip = await decodeImage(await bytesOf(`idefics3/${name}.png`))
    expect(tiles.flatMap(({ data }) => [...data])).toEqual([...strip.data])
    expect(tiles).toHaveLength((parts?.rows ?? 0) * (parts?.cols ?? 0) + 1)
  })

  test('into one tile where it fits in one', async () => {
    const small = new ImageProcessor({ ...settings, size: { longest_edge: 11 } })
    const { tiles, parts } = small.cut(await decodeImage(await picture('wide')))
    const strip = await decodeImage(await bytesOf('idefics3/wide.small.png'))
    expect(tiles.flatMap(({ data }) => [...data])).toEqual([...strip.data])
    expect(parts).toEqual({ rows: 0, cols: 0 })
  })

  test('but not where do_image_splitting is off; where it is not said, it is on', async () => {
    const image = await decodeImage(await picture('wide'))
    const { do_image_splitting, ...rest } = settings
    expect(do_image_splitting).toBe(true)
    expect(new ImageProcessor(rest).cut(image).tiles).toHaveLength(13)
    expect(new ImageProcessor({ ...rest, do_image_splitting: false }).cut(image).tiles).toHaveLength(1)
  })
})

test.each(golden.examples)(
  'token ids equal those of Python’s processor: $text',
  async ({ text, pictures, ids }) => {
    const { prefix } = await policy.encoder.encode(await Promise.all(pictures.map(picture)), text, [])
    expect(prefix.ids).toEqual(ids)
  },
)

test.each(['wide', 'sliver'])('image features equal PyTorch’s: %s', async (name) => {
  const { prefix } = await policy.encoder.encode([await picture(name)], '<image>', [])
  expectClose(prefix.features ?? [], tensors.get(`features.${name}`) ?? [], 'features', name)
})

test('logits after a picture equal PyTorch’s, and those after another do not', async () => {
  const gpu = await testGpu()
  const { decoder, config, encoder } = policy
  const { vocabSize, hiddenSize } = config.decoder
  const logits = async (name: string) => {
    const text = golden.examples[0]?.text ?? ''
    const { prefix, answers } = await encoder.encode([await picture(name)], text, [golden.answer])
    const packed = packSequences(
      answers.map((answer) => ({ prefix, answer })),
      { imageTokenId: config.imageTokenId, hiddenSize, vocabSize, maxPositions: decoder.maxPositions },
    )
    const workspace = decoder.workspace({ tokens: 320, answers: 16, sequences: 1, features: 96 })
    decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
    const values = await gpu.readF32(decoder.logits(workspace))
    workspace.release()
    return values
  }
  const expected = tensors.get('logits') ?? []
  expectClose(await logits('wide'), expected, 'decoder')
  const others = await logits('square')
  expect(() => expectClose(others, expected, 'decoder')).toThrow('relative error')
})

test('rows and columns of an image’s parts outlive the session with its features', async () => {
  const files = await readProcessorFiles(folder)
  const { hiddenSize } = parseModelConfig(await readJson(folder, 'config.json')).decoder
  const load = async (imageProcessor: unknown) => {
    const encoder = await ImageEncoder.load(folder, { ...files, imageProcessor }, { hiddenSize })
    if (!encoder) throw new Error('expected a vision encoder')
    return encoder
  }
  const kept = new Map<string, Float32Array<ArrayBuffer>>()
  const store: FeatureStore = {
    getMany: async (keys) => keys.map((key) => kept.get(key)),
    setMany: async (entries) => {
      for (const [key, values] of entries) kept.set(key, values)
    },
  }
  const encoder = await load(settings)
  const [wide, sliver] = [await picture('wide'), await picture('sliver')]
  const fresh = await new ImageFeatures(encoder, { store }).of([wide, sliver])
  expect(fresh.map(({ parts }) => parts)).toEqual([
    { rows: 3, cols: 4 },
    { rows: 1, cols: 4 },
  ])
  expect(kept.size).toBe(2)
  expect(await new ImageFeatures(encoder, { store }).of([wide, sliver])).toEqual(fresh)
  const whole = await load({ ...settings, do_image_splitting: false })
  expect(whole.hash).not.toBe(encoder.hash)
  expect((await new ImageFeatures(whole).of([wide]))[0]).toMatchObject({ parts: { rows: 0, cols: 0 } })
  encoder.release()
  whole.release()
})

test('marks of a split image lie as Python writes them', () => {
  expect(markedTiles('*', { rows: 0, cols: 0 })).toBe(
    '<fake_token_around_image><global-img>*<fake_token_around_image>',
  )
  expect(markedTiles('*', { rows: 1, cols: 2 })).toBe(
    '<fake_token_around_image><row_1_col_1>*<fake_token_around_image><row_1_col_2>*\n\n<fake_token_around_image><global-img>*<fake_token_around_image>',
  )
})
