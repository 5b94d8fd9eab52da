import { expect, test } from 'vitest'
import { decodeImage } from '../../src/models/decode-image.ts'

/** A PNG of one colour. */
async function picture(colour: string, width = 7, height = 5): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('expected a 2D canvas')
  context.fillStyle = colour
  context.fillRect(0, 0, width, height)
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())
}

/** The colour all pixels have; undefined where they differ. */
async function colourOf(bytes: Uint8Array<ArrayBuffer>): Promise<number[] | undefined> {
  const { width, height, data } = await decodeImage(bytes)
  expect(data).toHaveLength(3 * width * height)
  const first = [...data.subarray(0, 3)]
  return data.every((value, i) => value === first[i % 3]) ? first : undefined
}

test('rows of three channels, at the size of the picture', async () => {
  expect(await decodeImage(await picture('rgb(10 200 30)', 2, 1))).toEqual({
    width: 2,
    height: 1,
    data: Uint8Array.of(10, 200, 30, 10, 200, 30),
  })
})

test('nothing of an earlier picture of the same size shows through a transparent one', async () => {
  const glass = await picture('rgb(200 100 0 / 50%)')
  const alone = await colourOf(glass)
  expect(alone).toBeDefined()
  expect(await colourOf(await picture('rgb(0 0 255)'))).toEqual([0, 0, 255])
  expect(await colourOf(glass)).toEqual(alone)
  expect(await colourOf(await picture('transparent'))).toEqual([0, 0, 0])
})

test('pictures decoded together keep their own colours and sizes', async () => {
  const colours = Array.from({ length: 12 }, (_, i) => [20 * i, 255 - 20 * i, 7])
  const pictures = await Promise.all(colours.map((c, i) => picture(`rgb(${c.join(' ')})`, 4 + (i % 2), 6)))
  expect(await Promise.all(pictures.map(colourOf))).toEqual(colours)
})

test('what is no picture is refused', async () => {
  await expect(decodeImage(new Uint8Array(100))).rejects.toThrow()
})
