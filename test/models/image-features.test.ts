import { beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/data/sha256.ts'
import { ImageEncoder } from '../../src/models/image-encoder.ts'
import { type FeatureStore, ImageFeatures } from '../../src/models/image-features.ts'
import { readProcessorFiles } from '../../src/models/processor-files.ts'
import { goldenFile, goldenModel } from '../support/goldens.ts'

const folder = goldenModel('dpo-trainer/model')
let images: Uint8Array<ArrayBuffer>[]
let encoder: ImageEncoder

async function load(changed: object = {}): Promise<ImageEncoder> {
  const files = await readProcessorFiles(folder)
  const loaded = await ImageEncoder.load(
    folder,
    { ...files, processor: { ...files.processor, ...changed } },
    { hiddenSize: 32 },
  )
  if (!loaded) throw new Error('expected a vision encoder')
  return loaded
}

beforeAll(async () => {
  encoder = await load()
  images = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const file = await goldenFile(`dpo-trainer/images/${i}.png`)
      return await file.read(0, file.byteLength)
    }),
  )
})

/** The encoder, counting what it computes. */
function counting() {
  const batches: number[] = []
  const counted = {
    hash: encoder.hash,
    isSplitting: encoder.isSplitting,
    key: (image: string, isAlone: boolean) => encoder.key(image, isAlone),
    read: (image: Uint8Array<ArrayBuffer>) => encoder.read(image),
    encodeAll(...[images, signal]: Parameters<ImageEncoder['encodeAll']>) {
      batches.push(images.length)
      return encoder.encodeAll(images, signal)
    },
  }
  return { counted: counted as unknown as ImageEncoder, batches }
}

function mapStore(): FeatureStore & { readonly kept: Map<string, Float32Array<ArrayBuffer>> } {
  const kept = new Map<string, Float32Array<ArrayBuffer>>()
  return {
    kept,
    getMany: async (hashes) => hashes.map((hash) => kept.get(hash)),
    setMany: async (features) => {
      for (const [hash, values] of features) kept.set(hash, values)
    },
  }
}

const part = (from: number, to: number) => images.slice(from, to)

describe('features of an image', () => {
  test('are the same, bit for bit, computed alone and with others', async () => {
    const together = await encoder.encodeAll(await Promise.all(images.map((image) => encoder.read(image))))
    expect(together).toHaveLength(12)
    for (const [i, image] of images.entries()) expect(await encoder.encode(image)).toEqual(together[i])
    expect(together[0]).not.toEqual(together[1])
  })

  test('are computed once, whoever asks for them, together or at the same time', async () => {
    const { counted, batches } = counting()
    const features = new ImageFeatures(counted)
    const [first, second] = await Promise.all([features.of(part(0, 3)), features.of(part(1, 4))])
    expect(batches).toEqual([3, 1])
    expect(second[0]?.features).toBe(first[1]?.features)
    await features.of([...part(3, 4), ...part(3, 4), ...part(0, 1)])
    expect(batches).toEqual([3, 1])
    await features.prepare([part(2, 3), part(3, 6)])
    await features.of(part(0, 6))
    expect(batches).toEqual([3, 1, 2])
  })

  test('are not computed to the end where that is cancelled, and can be asked for again', async () => {
    const features = new ImageFeatures(encoder)
    const canceller = new AbortController()
    const ahead = features.prepare([part(0, 12)], canceller.signal)
    canceller.abort()
    await expect(ahead).rejects.toMatchObject({ name: 'AbortError' })
    expect(await features.of(part(0, 2))).toHaveLength(2)
  })

  test('outlive the session in a store', async () => {
    const store = mapStore()
    const fresh = await new ImageFeatures(encoder, { store }).of(part(0, 2))
    expect(store.kept.size).toBe(2)
    const { counted, batches } = counting()
    const again = await new ImageFeatures(counted, { store }).of(part(0, 3))
    expect(batches).toEqual([1])
    expect(again.slice(0, 2)).toEqual(fresh)
  })

  test('leave memory when there are too many, the one asked for longest ago first', async () => {
    const { counted, batches } = counting()
    const features = new ImageFeatures(counted, { maxBytes: 2 * 4 * 32 * 4 })
    await features.of(part(0, 2))
    await features.of(part(0, 1))
    await features.of(part(2, 3))
    await features.of(part(0, 1))
    expect(batches).toEqual([2, 1])
    await features.of(part(1, 2))
    expect(batches).toEqual([2, 1, 1])
  })

  test('are held to 32 MiB beside a store, however many there are', async () => {
    const { counted } = counting()
    const large = Object.assign(counted, {
      encodeAll: async (cut: readonly unknown[]) => cut.map(() => new Float32Array(2 ** 21)),
    })
    const store = mapStore()
    const asked: number[] = []
    const getMany = async (keys: readonly string[]) => {
      asked.push(keys.length)
      return await store.getMany(keys)
    }
    const features = new ImageFeatures(large, { store: { ...store, getMany } })
    for (const image of part(0, 6)) await features.of([image])
    asked.splice(0)
    for (const image of part(2, 6)) await features.of([image])
    expect(asked).toEqual([])
    await features.of(part(1, 2))
    expect(asked).toEqual([1])
  })

  test('of a known image are computed anew only where they are lost, and only then is it read', async () => {
    const { counted, batches } = counting()
    const features = new ImageFeatures(counted, { maxBytes: 4 * 32 * 4 })
    const [first, second] = await features.of(part(0, 2))
    const reads: number[] = []
    const known = await Promise.all(
      part(0, 2).map(async (bytes, i) => ({
        hash: await sha256(bytes),
        read: async () => {
          reads.push(i)
          return bytes
        },
      })),
    )
    expect(await features.ofKnown(known)).toEqual([first?.features, second?.features])
    expect(reads).toEqual([0]) // the other was still in memory
    expect(batches).toEqual([2, 1])
  })

  test('of what is no image are refused when they are asked for, not before', async () => {
    const features = new ImageFeatures(encoder)
    const broken = new Uint8Array([1, 2, 3])
    await features.prepare([[broken], part(0, 1)])
    await expect(features.of([broken])).rejects.toMatchObject({
      name: 'ImageEncoderError',
      message: expect.stringContaining('got 3 bytes that are none'),
    })
    expect(await features.of(part(0, 1))).toHaveLength(1)
  })
})

test("an encoder's hash follows from its graph and its processors' settings", async () => {
  expect((await load()).hash).toBe(encoder.hash)
  expect((await load({ num_additional_image_tokens: 2 })).hash).not.toBe(encoder.hash)
})
