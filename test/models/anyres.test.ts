import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import { writeSafetensors } from '../../src/data/safetensors.ts'
import { readCheckpoint, readJson } from '../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import { decodeImage } from '../../src/models/decode-image.ts'
import { packSequences } from '../../src/models/decoder/batch.ts'
import { ImageProcessor } from '../../src/models/image-processor.ts'
import { readNewline } from '../../src/models/newline.ts'
import { PolicyModel } from '../../src/models/policy-model.ts'
import { readProcessorFiles } from '../../src/models/processor-files.ts'
import { PromptEncoder } from '../../src/models/prompt-encoder.ts'
import golden from '../goldens/anyres/golden.json'
import { expectClose } from '../support/close.ts'
import { goldenFile, goldenModel, goldenTensors } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

const NAMES = ['next', 'onevision'] as const
const PICTURES = Object.keys(golden.next.pictures) as (keyof typeof golden.next.pictures)[]
const HIDDEN = 16
const tensors = await goldenTensors('anyres/golden.safetensors')

function expected(name: string): Float32Array<ArrayBuffer> {
  const values = tensors.get(name)
  if (!values) throw new Error(`${name} is missing`)
  return values
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await goldenFile(`anyres/${path}`)
  return await source.read(0, source.byteLength)
}

/** A model's folder with some of its JSON files changed. */
function changed(name: string, files: Readonly<Record<string, object>>): Folder {
  const model = goldenModel(`anyres/${name}`)
  return {
    name,
    async open(path) {
      const json = { ...((await model.open(path)) && (await readJsonOr(model, path))), ...files[path] }
      return path in files ? blobSource(new Blob([JSON.stringify(json)]), path) : await model.open(path)
    },
  }
}

async function readJsonOr(model: Folder, path: string): Promise<object> {
  return path.endsWith('.json') ? ((await readJson(model, path)) as object) : {}
}

async function openEncoder(folder: Folder): Promise<PromptEncoder> {
  return await PromptEncoder.load(folder, parseModelConfig(await readJson(folder, 'config.json')))
}

describe.each(NAMES)('%s', (name) => {
  const { pictures, two } = golden[name]
  let processor: ImageProcessor
  let encoder: PromptEncoder
  let token: number | undefined

  beforeAll(async () => {
    const folder = goldenModel(`anyres/${name}`)
    processor = new ImageProcessor((await readProcessorFiles(folder)).imageProcessor)
    encoder = await openEncoder(folder)
    token = parseModelConfig(await readJson(folder, 'config.json')).imageTokenId
  })
  afterAll(() => encoder.release())

  test.for(PICTURES)(
    'the tiles of a picture are those of transformers with Pillow, bit for bit: %s',
    async (label) => {
      const { tiles } = processor.cut(await decodeImage(await bytesOf(`${label}.png`)))
      expect(tiles).toHaveLength(pictures[label].tiles)
      const strip = await decodeImage(await bytesOf(`${name}.${label}.png`))
      expect(tiles.flatMap(({ data }) => [...data])).toEqual([...strip.data])
    },
  )

  test('normalised pixel values equal those of transformers', async () => {
    const { tiles } = processor.cut(await decodeImage(await bytesOf('wide.png')))
    const values = tiles.flatMap((tile) => [...processor.normalize(tile).values])
    expectClose(values, expected(`${name}.pixels.wide`), 'pixels')
  })

  test.for(PICTURES)('image tokens and packed features equal PyTorch’s: %s', async (label) => {
    const { prefix } = await encoder.encode([await bytesOf(`${label}.png`)], golden.prompts.one, [])
    expect(prefix.ids.filter((id) => id === token)).toHaveLength(pictures[label].imageTokens)
    expectClose(prefix.features ?? [], expected(`${name}.features.${label}`), 'features', label)
  })

  test('another model’s newline gives other features', async () => {
    const own = goldenModel(`anyres/${name}`)
    const other = goldenModel(`anyres/${name === 'next' ? 'onevision' : 'next'}`)
    const wrong = await openEncoder({
      name,
      open: async (path) => await (path === 'model.safetensors' ? other : own).open(path),
    })
    const { prefix } = await wrong.encode([await bytesOf('tiny.png')], golden.prompts.one, [])
    expect(() => expectClose(prefix.features ?? [], expected(`${name}.features.tiny`), 'features')).toThrow(
      'relative error',
    )
    wrong.release()
  })

  test('of two pictures in one prompt', async () => {
    const [wide, tiny] = [await bytesOf('wide.png'), await bytesOf('tiny.png')]
    const { prefix } = await encoder.encode([wide, tiny], golden.prompts.two, [])
    expect(prefix.ids.filter((id) => id === token)).toHaveLength(two)
    expectClose(prefix.features ?? [], expected(`${name}.two`), 'features')
  })

  test('what is computed ahead is what a prompt asks for, alone or among others', async () => {
    const prompts = [[await bytesOf('tall.png')], [await bytesOf('square.png'), await bytesOf('tall.png')]]
    const ahead = await openEncoder(goldenModel(`anyres/${name}`))
    await ahead.prepare(prompts)
    for (const images of prompts) {
      const text = images.length === 1 ? golden.prompts.one : golden.prompts.two
      const { prefix } = await ahead.encode(images, text, [])
      expect(prefix).toEqual((await encoder.encode(images, text, [])).prefix)
    }
    ahead.release()
  })

  test('logits after a picture equal PyTorch’s, and those after another do not', async () => {
    const gpu = await testGpu()
    const policy = await PolicyModel.load(gpu, goldenModel(`anyres/${name}`))
    const { decoder, config } = policy
    const { vocabSize, hiddenSize } = config.decoder
    const logits = async (picture: string) => {
      const { prefix, answers } = await policy.encoder.encode([await bytesOf(picture)], golden.prompts.one, [
        golden.prompts.answer,
      ])
      const packed = packSequences(
        answers.map((answer) => ({ prefix, answer })),
        { imageTokenId: config.imageTokenId, hiddenSize, vocabSize, maxPositions: decoder.maxPositions },
      )
      const workspace = decoder.workspace({ tokens: 320, answers: 16, sequences: 1, features: 256 })
      decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
      const values = await gpu.readF32(decoder.logits(workspace))
      workspace.release()
      return values
    }
    expectClose(await logits('wide.png'), expected(`${name}.logits`), 'decoder', name)
    const others = await logits('square.png')
    expect(() => expectClose(others, expected(`${name}.logits`), 'decoder')).toThrow('relative error')
    policy.release()
  })

  test('another number of features than image tokens is refused, naming both', async () => {
    const settings = (await readJson(goldenModel(`anyres/${name}`), 'processor_config.json')) as object
    const other =
      name === 'next' ? { num_additional_image_tokens: 3 } : { vision_aspect_ratio: 'anyres_max_2' }
    const wrong = await openEncoder(changed(name, { 'processor_config.json': { ...settings, ...other } }))
    const error: unknown = await wrong
      .encode([await bytesOf('wide.png')], golden.prompts.one, [])
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'ImageEncoderError' })
    const { imageTokens } = pictures.wide
    expect(String(error)).toMatch(new RegExp(`expected \\d+ rows of image features.*, got ${imageTokens}$`))
    wrong.release()
  })

  test('resolutions that differ between model and processor are refused', async () => {
    const side = name === 'next' ? 9 : 15
    const config = { image_grid_pinpoints: [[side, side]] }
    const wrong = await openEncoder(changed(name, { 'config.json': config }))
    await expect(wrong.encode([await bytesOf('wide.png')], golden.prompts.one, [])).rejects.toThrow(
      `expected 2 tiles, one of the whole image and 1 x 1 of its parts, got ${pictures.wide.tiles}`,
    )
    wrong.release()
  })

  test('a processor that takes images whole is refused', async () => {
    const image_processor = {
      image_processor_type: 'CLIPImageProcessor',
      do_resize: false,
      do_normalize: false,
    }
    await expect(
      openEncoder(changed(name, { 'processor_config.json': { image_processor } })),
    ).rejects.toThrow("config.json and the processor's file do not fit")
  })
})

describe('the newline', () => {
  const checkpoint = (name: string, shape: readonly number[]) => {
    const bytes = new Uint8Array(Float32Array.from({ length: 3 }, (_, i) => i + 1).buffer)
    const file = writeSafetensors(new Map([[name, { dtype: 'F32', shape, bytes }]]))
    const source = blobSource(new Blob([file]), 'model.safetensors')
    return readCheckpoint({
      name: 'model',
      open: async (path) => (path === 'model.safetensors' ? source : undefined),
    })
  }

  test.each(['image_newline', 'model.image_newline'])('is read from %s', async (name) => {
    expect([...(await readNewline(await checkpoint(name, [3]), 3))]).toEqual([1, 2, 3])
  })

  test('is refused where it is missing or of another size', async () => {
    await expect(readNewline(await checkpoint('newline', [3]), 3)).rejects.toThrow(
      "expected image_newline or model.image_newline among the checkpoint's 1 tensors, found neither",
    )
    await expect(readNewline(await checkpoint('image_newline', [3]), HIDDEN)).rejects.toThrow(
      'expected shape (16), got (3)',
    )
  })
})
