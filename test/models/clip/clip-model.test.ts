import {
  AutoProcessor,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  RawImage,
  Tensor,
} from '@huggingface/transformers'
import factoryUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FileSpec, openFolder } from '../../../src/data/folder.ts'
import { ClipModel } from '../../../src/models/clip/clip-model.ts'
import { decodeImage } from '../../../src/models/decode-image.ts'
import { ImageProcessor } from '../../../src/models/image-processor.ts'
import { CLIP_DIM, clipEmbeds, clipFolder, clipImages, goldenClip, unitRows } from '../../support/clip.ts'
import { expectClose } from '../../support/close.ts'
import { goldenAddress, goldenBlob } from '../../support/goldens.ts'
import { relativeError } from '../../support/numeric.ts'
import { TOLERANCES } from '../../tolerances.ts'

const texts = goldenClip.texts.map(({ text }) => text)
let clip: ClipModel
let images: FileSpec[]

beforeAll(async () => {
  clip = await ClipModel.load(openFolder(await clipFolder()))
  images = await clipImages()
})

afterAll(() => clip.release())

async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer())
}

describe('equal to PyTorch', () => {
  test('token ids', () => {
    for (const { text, ids } of goldenClip.texts) expect(clip.texts.tokenize(text), text).toEqual(ids)
    for (const { text, tokens } of goldenClip.tooLong) expect(clip.texts.tokenize(text)).toHaveLength(tokens)
  })

  test('embeddings of texts and images, at length 1', async () => {
    const textRows = await clip.texts.embed(texts)
    expectClose(textRows, unitRows(await clipEmbeds('text_embeds')), 'embeddings', 'texts')
    const imageRows = await clip.images.embed(images)
    expectClose(imageRows, unitRows(await clipEmbeds('image_embeds')), 'embeddings', 'images')
  })

  test('negative controls: another word, another pixel', async () => {
    const textRows = await clip.texts.embed(texts.with(0, 'a picture of a cat'))
    const expected = unitRows(await clipEmbeds('text_embeds'))
    expect(relativeError(textRows, expected)).toBeGreaterThan(100 * TOLERANCES.embeddings)
    const other = await changedPixel(await goldenBlob('clip/images/0.png'))
    const imageRows = await clip.images.embed(images.with(0, { name: 'changed', blob: other }))
    const right = unitRows(await clipEmbeds('image_embeds'))
    expect(relativeError(imageRows, right)).toBeGreaterThan(100 * TOLERANCES.embeddings)
    expectClose(imageRows.subarray(CLIP_DIM), right.subarray(CLIP_DIM), 'embeddings')
  })
})

async function changedPixel(picture: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(picture)
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('expected a 2D canvas')
  context.drawImage(bitmap, 0, 0)
  const [red = 0] = context.getImageData(3, 4, 1, 1).data
  context.fillStyle = `rgb(${red ^ 64} 0 0)`
  context.fillRect(3, 4, 1, 1)
  return await canvas.convertToBlob()
}

/** Vite's server sends its page for files there are none of; transformers.js expects 404. */
async function withoutPages(input: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  const isPage = response.headers.get('content-type')?.startsWith('text/html')
  return isPage ? new Response(null, { status: 404 }) : response
}

describe('equal to transformers.js on the same folder, served', () => {
  const model = 'model'

  beforeAll(() => {
    env.allowRemoteModels = false
    env.allowLocalModels = true
    env.useBrowserCache = false
    env.localModelPath = new URL(`${goldenAddress('clip')}/`).pathname
    env.fetch = withoutPages
    const wasm = env.backends.onnx.wasm
    if (!wasm) throw new Error('expected transformers.js to compute in WASM')
    wasm.wasmPaths = {
      wasm: new URL(wasmUrl, location.href).href,
      mjs: new URL(factoryUrl, location.href).href,
    }
    wasm.numThreads = 1
  })

  test('texts', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(model)
    const tower = await CLIPTextModelWithProjection.from_pretrained(model, { dtype: 'fp32', device: 'wasm' })
    const { text_embeds } = await tower(tokenizer([...texts], { padding: true, truncation: true }))
    expectClose(await clip.texts.embed(texts), unitRows(text_embeds.data), 'embeddings')
    await tower.dispose()
  })

  test('texts, by a graph with an attention mask and weights in f16, where there is no other', async () => {
    const half = await clipFolder({
      'onnx/text_model.onnx': undefined,
      'onnx/text_model_fp16.onnx': await goldenBlob('clip/model/onnx/text_model_fp16.onnx'),
    })
    const ours = await ClipModel.load(openFolder(half))
    expect(ours.hash).not.toBe(clip.hash)
    const rows = await ours.texts.embed(texts)
    expectClose(rows, unitRows(await clipEmbeds('text_embeds')), 'halfEmbeddings')
    const tokenizer = await AutoTokenizer.from_pretrained(model)
    const tower = await CLIPTextModelWithProjection.from_pretrained(model, { dtype: 'fp16', device: 'wasm' })
    const { text_embeds } = await tower(tokenizer([...texts], { padding: true, truncation: true }))
    expectClose(rows, unitRows(text_embeds.data), 'embeddings')
    await Promise.all([tower.dispose(), ours.release()])
  })

  test('images; it resizes with a canvas and not as Pillow does, so larger ones from the same pixel values', async () => {
    const processor = await AutoProcessor.from_pretrained(model, {})
    const tower = await CLIPVisionModelWithProjection.from_pretrained(model, {
      dtype: 'fp32',
      device: 'wasm',
    })
    const rows = await clip.images.embed(images)
    const whole = await RawImage.fromBlob(await goldenBlob('clip/images/0.png'))
    const { image_embeds } = await tower(await processor(whole))
    expectClose(rows.subarray(0, CLIP_DIM), unitRows(image_embeds.data), 'embeddings', 'unresized')

    const ours = new ImageProcessor(
      await (await fetch(`${env.localModelPath}model/preprocessor_config.json`)).json(),
    )
    for (const i of images.keys()) {
      const bytes = await bytesOf(await goldenBlob(`clip/images/${i}.png`))
      const { values, width, height } = ours.process(await decodeImage(bytes))
      const pixel_values = new Tensor('float32', values, [1, 3, height, width])
      const theirs = unitRows((await tower({ pixel_values })).image_embeds.data)
      expectClose(rows.subarray(i * CLIP_DIM, (i + 1) * CLIP_DIM), theirs, 'embeddings', `image ${i}`)
    }
    await tower.dispose()
  })
})

describe('an embedding does not depend on its company, to the last bit', () => {
  test('texts alone, together, in another order, and of many lengths', async () => {
    const many = Array.from({ length: 150 }, (_, i) => `${texts[i % texts.length]} ${i}`).filter(
      (text) => clip.texts.tokenize(text).length <= clip.config.contextLength,
    )
    const together = await clip.texts.embed(many)
    const reversed = await clip.texts.embed(many.toReversed())
    const last = many.length - 1
    for (const [i, text] of many.entries()) {
      const row = together.slice(i * CLIP_DIM, (i + 1) * CLIP_DIM)
      expect(reversed.slice((last - i) * CLIP_DIM, (last - i + 1) * CLIP_DIM), text).toEqual(row)
      if (i < 25) expect(await clip.texts.embed([text]), text).toEqual(row)
    }
  })

  test('images', async () => {
    const many = Array.from({ length: 40 }, (_, i) => images[i % images.length] as FileSpec)
    const together = await clip.images.embed(many)
    for (const [i, image] of images.entries()) {
      const row = await clip.images.embed([image])
      for (let at = i; at < many.length; at += images.length)
        expect(together.slice(at * CLIP_DIM, (at + 1) * CLIP_DIM)).toEqual(row)
    }
  })

  test('an empty list has no embeddings', async () => {
    expect(await clip.texts.embed([])).toEqual(new Float32Array())
    expect(await clip.images.embed([])).toEqual(new Float32Array())
  })
})

test('texts past the context are refused, not cut', async () => {
  for (const { text, tokens } of goldenClip.tooLong) {
    await expect(clip.texts.embed(['a dog', text])).rejects.toThrow(
      `text 1: expected at most 77 tokens, got ${tokens}; count tokens first`,
    )
  }
})

test('files that are no images are refused by name', async () => {
  const broken = { name: 'broken.png', blob: new Blob(['no picture']) }
  await expect(clip.images.embed([...images, broken])).rejects.toMatchObject({
    name: 'ClipError',
    message: expect.stringContaining('broken.png: expected an image this browser can read'),
  })
})

test('the hash tells models apart, and only models', async () => {
  const again = await ClipModel.load(openFolder({ url: `${goldenAddress('clip')}/model` }))
  expect(again.hash).toBe(clip.hash)
  const settings = { ...(await preprocessor()), resample: 2 }
  const other = await ClipModel.load(openFolder(await clipFolder({ 'preprocessor_config.json': settings })))
  expect(other.hash).not.toBe(clip.hash)
  await Promise.all([again.release(), other.release()])
})

async function preprocessor(): Promise<Record<string, unknown>> {
  return JSON.parse(await (await goldenBlob('clip/model/preprocessor_config.json')).text())
}

async function config(): Promise<Record<string, unknown>> {
  return JSON.parse(await (await goldenBlob('clip/model/config.json')).text())
}

describe('a folder that is no CLIP', () => {
  const cases: Record<string, [() => Promise<Parameters<typeof clipFolder>[0]>, string, string]> = {
    'without a text tower': [
      async () => ({ 'onnx/text_model.onnx': undefined }),
      'ClipError',
      'clip: expected onnx/text_model.onnx (or one of its smaller kinds',
    ],
    'without a vision tower': [
      async () => ({ 'onnx/vision_model.onnx': undefined }),
      'ClipError',
      'expected onnx/vision_model.onnx',
    ],
    'without a tokenizer': [
      async () => ({ 'tokenizer.json': undefined }),
      'SourceError',
      'expected a file tokenizer.json',
    ],
    'without an image processor': [
      async () => ({ 'preprocessor_config.json': undefined }),
      'ClipError',
      'expected preprocessor_config.json, or processor_config.json with image_processor',
    ],
    'another kind of model': [
      async () => ({ 'config.json': { ...(await config()), model_type: 'siglip' } }),
      'ConfigError',
      'config.json: model_type: expected clip, got siglip',
    ],
    'embeddings of another size': [
      async () => ({ 'config.json': { ...(await config()), projection_dim: 16 } }),
      'ClipError',
      'onnx/text_model.onnx: expected text_embeds as float32 in rows of projection_dim 16, got float32 (batch_size, 12)',
    ],
    'a graph with other outputs': [
      async () => ({
        'onnx/vision_model.onnx': await goldenBlob('dpo-trainer/model/onnx/vision_encoder.onnx'),
      }),
      'ClipError',
      'onnx/vision_model.onnx: expected an output image_embeds (a tower exported with its projection), got image_features',
    ],
    'a graph with other inputs': [
      async () => ({ 'onnx/text_model.onnx': await goldenBlob('clip/model/onnx/vision_model.onnx') }),
      'ClipError',
      'onnx/text_model.onnx: expected inputs input_ids, (attention_mask), got pixel_values',
    ],
    'a damaged graph': [
      async () => ({
        'onnx/text_model.onnx': (await goldenBlob('clip/model/onnx/text_model.onnx')).slice(0, 5000),
      }),
      'ClipError',
      'onnx/text_model.onnx: expected an ONNX graph',
    ],
  }
  test.for(Object.entries(cases))('%s', async ([, [changes, name, message]]) => {
    const loading = ClipModel.load(openFolder(await clipFolder(await changes())))
    await expect(loading).rejects.toMatchObject({ name, message: expect.stringContaining(message) })
  })

  test('an image processor that makes another size', async () => {
    const settings = { ...(await preprocessor()), do_center_crop: false }
    const wide = await ClipModel.load(openFolder(await clipFolder({ 'preprocessor_config.json': settings })))
    await expect(wide.images.embed(images)).rejects.toThrow(
      '1.png: expected the image processor to make 16x16 pixels as config.json says, got 26x16',
    )
    await wide.release()
  })
})

test('nothing is asked of another origin', () => {
  const foreign = performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter((name) => !name.startsWith(location.origin) && !/^(blob|data):/.test(name))
  expect(foreign).toEqual([])
})
