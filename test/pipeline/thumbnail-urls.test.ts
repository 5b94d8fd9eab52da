import { afterEach, beforeEach, expect, test } from 'vitest'
import { thumbnailUrls } from '../../src/pipeline/thumbnail-urls.ts'
import { StoredOutputs } from '../support/stored-outputs.ts'

let outputs: StoredOutputs
beforeEach(() => {
  outputs = new StoredOutputs()
})
afterEach(() => outputs.close())

test('thumbnails become addresses that a browser shows; what is no picture is left out', async () => {
  const canvas = new OffscreenCanvas(7, 5)
  canvas.getContext('2d')
  const picture = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp' })).arrayBuffer())
  await outputs.store.thumbnails.put(picture, 'a')
  await outputs.store.thumbnails.put(Uint8Array.of(1, 2, 3), 'b')
  const urls = await thumbnailUrls(outputs.store, ['a', 'b', 'c', 'a'])
  expect([...urls.keys()]).toEqual(['a'])
  const image = new Image()
  image.src = urls.get('a') ?? ''
  await image.decode()
  expect([image.naturalWidth, image.naturalHeight]).toEqual([7, 5])
})
