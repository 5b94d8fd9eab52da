import { expect, test } from 'vitest'
import { DataError } from '../../src/data/data-error.ts'
import { type ImageType, imageSize, imageType } from '../../src/data/image-type.ts'
import { makeThumbnail } from '../../src/pipeline/thumbnails.ts'

/** The images Pillow wrote, 7 x 5 pixels. */
const FILES = import.meta.glob<string>('../goldens/image-datasets/images/*', {
  query: '?url',
  import: 'default',
  eager: true,
})

async function drawn(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('expected a canvas')
  context.fillStyle = 'rgb(200, 40, 10)'
  context.fillRect(0, 0, width, height)
  context.fillStyle = 'rgb(10, 40, 200)'
  context.fillRect(0, 0, width / 2, height)
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())
}

/** How bright the rows of an encoded picture are, in the middle. */
async function brightness(bytes: Uint8Array<ArrayBuffer>): Promise<number[]> {
  const bitmap = await createImageBitmap(new Blob([bytes]))
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  context?.drawImage(bitmap, 0, 0)
  const row = (y: number): number[] => [...(context?.getImageData(3, y, 1, 1).data ?? [])].slice(0, 3)
  return Array.from({ length: bitmap.height }, (_, y) => row(y).reduce((sum, value) => sum + value / 3, 0))
}

test('every format that is taken in can be decoded and looks the same: inks, deep colours and moving ones, too', async () => {
  expect(Object.keys(FILES)).toHaveLength(12)
  for (const [name, url] of Object.entries(FILES)) {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
    const type = imageType(bytes) as ImageType
    const thumbnail = await makeThumbnail({ name, bytes, type })
    expect([name, thumbnail.width, thumbnail.height]).toEqual([name, 7, 5])
    const [first = 255, , , , last = 0] = await brightness(thumbnail.bytes)
    expect(first, name).toBeLessThan(70) // the other way round it would be of the second frame, or a negative
    expect(last, name).toBeGreaterThan(190)
  }
})

test('large ones are drawn smaller, in their proportions and colours', async () => {
  const thumbnail = await makeThumbnail({ name: 'a', bytes: await drawn(1200, 300), type: 'png' }, 100)
  expect(thumbnail).toMatchObject({ width: 100, height: 25, mimeType: 'image/webp' })
  expect(imageType(thumbnail.bytes)).toBe('webp')
  expect(imageSize(thumbnail.bytes, 'webp')).toEqual({ width: 100, height: 25 })
  const bitmap = await createImageBitmap(new Blob([thumbnail.bytes]))
  const context = new OffscreenCanvas(100, 25).getContext('2d')
  context?.drawImage(bitmap, 0, 0)
  const pixel = (x: number): number[] => [...(context?.getImageData(x, 12, 1, 1).data ?? [])]
  for (const [x, colour] of [
    [20, [10, 40, 200]],
    [80, [200, 40, 10]],
  ] as const)
    for (const [channel, value] of colour.entries())
      expect(Math.abs((pixel(x)[channel] ?? -99) - value)).toBeLessThan(12)
})

test('a very long one keeps a pixel of its height', async () => {
  expect(await makeThumbnail({ name: 'a', bytes: await drawn(3000, 2), type: 'png' })).toMatchObject({
    width: 160,
    height: 1,
  })
})

test('one that is damaged behind its size is refused by name', async () => {
  const bytes = (await drawn(300, 300)).slice(0, 40)
  expect(imageSize(bytes, 'png')).toEqual({ width: 300, height: 300 })
  const made = makeThumbnail({ name: 'x/cut.png', bytes, type: 'png' })
  await expect(made).rejects.toThrow(DataError)
  await expect(made).rejects.toThrow(
    /^x\/cut\.png: expected an image the browser can decode, got a damaged png/,
  )
})
