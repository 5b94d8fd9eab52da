import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileSpec } from '../../src/data/folder.ts'
import { type ClipClient, openClip } from '../../src/pipeline/client.ts'
import type { ClipInfo } from '../../src/workers/clip.api.ts'
import { similarityMatrix, topOf } from '../reference/similarity.ts'
import { CLIP_DIM, clipEmbeds, clipFolder, clipImages, goldenClip, unitRows } from '../support/clip.ts'
import { expectClose } from '../support/close.ts'
import { goldenAddress } from '../support/goldens.ts'
import { at } from '../support/numeric.ts'

const texts = goldenClip.texts.map(({ text }) => text)
let clip: ClipClient
let info: ClipInfo
let images: FileSpec[]
const loading: number[] = []

beforeAll(async () => {
  clip = openClip()
  info = await clip.load(await clipFolder(), ({ done, total }) => loading.push(done / total))
  images = await clipImages()
})

afterAll(() => clip.close())

test('loads, telling how far it is and what it has', () => {
  expect(loading).toHaveLength(2)
  expect(loading.at(-1)).toBe(1)
  expect(info).toEqual({
    projectionDim: CLIP_DIM,
    contextLength: 77,
    imageSize: 16,
    hash: expect.stringMatching(/^[\da-f]{64}$/),
  })
})

test('counts tokens, so that texts past the context are known before they are embedded', async () => {
  const long = goldenClip.tooLong
  const counts = await clip.countTokens([...texts, ...long.map(({ text }) => text)])
  expect(counts).toEqual([
    ...goldenClip.texts.map(({ ids }) => ids.length),
    ...long.map(({ tokens }) => tokens),
  ])
  expect(counts.filter((count) => count > info.contextLength)).toHaveLength(long.length)
})

test('from pictures and texts to scores, ranks, means and classes', async () => {
  const told: number[] = []
  const textRows = await clip.embedTexts(texts, ({ done, total }) => told.push(done, total))
  expect(told.slice(-2)).toEqual([texts.length, texts.length])
  const imageRows = await clip.embedImages(images)
  expectClose(textRows, unitRows(await clipEmbeds('text_embeds')), 'embeddings', 'texts')
  expectClose(imageRows, unitRows(await clipEmbeds('image_embeds')), 'embeddings', 'images')

  const [count, dim] = [texts.length, CLIP_DIM]
  const all = similarityMatrix(await clipEmbeds('image_embeds'), await clipEmbeds('text_embeds'), dim)
  const offsets = Uint32Array.of(0, 4, 4, 5, 9, 9, 11, 11)
  const { scores, ranks, extremes } = await clip.score({ images: imageRows, texts: textRows, dim, offsets })
  const owners = [0, 0, 0, 0, 2, 3, 3, 3, 3, 5, 5]
  expectClose(
    scores,
    owners.map((image, n) => at(all, image * count + n)),
    'clipScores',
    'scores',
  )
  expect([...ranks.subarray(9)].sort()).toEqual([0, 1])
  expect(extremes[6]).toBe(scores[4])
  const pairs = { images: imageRows, texts: textRows, dim }
  expectClose(await clip.compare(pairs), all, 'clipScores', 'compare')
  const means = Array.from(texts, (_, n) =>
    images.reduce((sum, _, i) => sum + at(all, i * count + n) / images.length, 0),
  )
  expectClose(await clip.means(pairs), means, 'clipScores', 'means')
  const { indices } = await clip.classify(pairs, 3)
  images.forEach((_, i) => {
    expect([...indices.subarray(3 * i, 3 * i + 3)]).toEqual(
      topOf(all.subarray(i * count, (i + 1) * count), 3),
    )
  })
  expect(pairs.images).toHaveLength(images.length * dim) // the caller keeps its embeddings
})

test('empty lists', async () => {
  expect(await clip.countTokens([])).toEqual([])
  expect(await clip.embedTexts([])).toEqual(new Float32Array())
  expect(await clip.embedImages([])).toEqual(new Float32Array())
})

test('a folder by its address gives the same model', async () => {
  const other = openClip()
  const again = await other.load({ url: `${goldenAddress('clip')}/model` })
  expect(again).toEqual(info)
  expect(await other.embedTexts(texts)).toEqual(await clip.embedTexts(texts))
  other.close()
})

describe('cancelling', () => {
  test('is heard between two batches, and the worker works on', async () => {
    const many = Array.from({ length: 600 }, (_, i) => images[i % images.length] as FileSpec)
    let seen = 0
    const embedding = clip.embedImages(many, ({ done }) => {
      seen = done
      if (done < 10) void clip.cancel()
    })
    await expect(embedding).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen).toBeGreaterThan(0)
    expect(seen).toBeLessThan(many.length)
    expect(await clip.embedTexts(['dog'])).toHaveLength(CLIP_DIM)
  })

  test('reaches all that is under way', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => `a dog ${i}`)
    const both = Promise.allSettled([clip.embedTexts(many), clip.embedTexts(many.toReversed())])
    await clip.cancel()
    const reasons = (await both).map((result) => (result.status === 'rejected' ? result.reason.name : 'none'))
    expect(reasons).toEqual(['AbortError', 'AbortError'])
  })

  test('a load that is cancelled leaves no model', async () => {
    const other = openClip()
    const load = other.load(await clipFolder(), () => void other.cancel())
    await expect(load).rejects.toMatchObject({ name: 'AbortError' })
    await expect(other.embedTexts(['dog'])).rejects.toThrow('expected a model to be loaded first')
    expect((await other.load(await clipFolder())).hash).toBe(info.hash)
    other.close()
  })
})

describe('errors keep their name and message', () => {
  test('a text past the context', async () => {
    const [first] = goldenClip.tooLong
    await expect(clip.embedTexts(['a dog', first?.text ?? ''])).rejects.toMatchObject({
      name: 'ClipError',
      message: expect.stringContaining('text 1: expected at most 77 tokens, got 78'),
    })
  })

  test('a file that is no image', async () => {
    const broken = { name: 'broken.png', blob: new Blob(['no picture']) }
    await expect(clip.embedImages([broken])).rejects.toMatchObject({
      name: 'ClipError',
      message: expect.stringContaining('broken.png: expected an image'),
    })
  })

  test('embeddings that do not fit', async () => {
    const rows = new Float32Array(24)
    await expect(clip.compare({ images: rows, texts: rows, dim: 7 })).rejects.toMatchObject({
      name: 'ClipError',
    })
  })

  test('a folder without a tower, and what is asked without a model', async () => {
    const other = openClip()
    await expect(other.countTokens(['a'])).rejects.toThrow('expected a model to be loaded first')
    await expect(other.load(await clipFolder({ 'onnx/vision_model.onnx': undefined }))).rejects.toMatchObject(
      {
        name: 'ClipError',
        message: expect.stringContaining('expected onnx/vision_model.onnx'),
      },
    )
    other.close()
  })

  test('a second load while something is under way, and a worker that is closed', async () => {
    const other = openClip()
    const first = other.load(await clipFolder())
    await expect(other.load(await clipFolder())).rejects.toThrow('load: expected nothing else under way')
    await first
    const embedding = other.embedImages(images)
    other.close()
    await expect(embedding).rejects.toMatchObject({ name: 'WorkerError', message: 'the worker was closed' })
  })
})

test('scores need no model', async () => {
  const other = openClip()
  const rows = Float32Array.of(3, 0, 0, 1, 1, 1)
  const scores = await other.compare({ images: rows, texts: rows, dim: 2 })
  expectClose(scores, similarityMatrix(rows, rows, 2), 'similarity')
  other.close()
})
