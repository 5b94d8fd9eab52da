import { expect, test } from 'vitest'
import { imageSize, imageType } from '../../src/data/image-type.ts'
import { golden, IMAGES } from '../support/datasets.ts'

const TYPES: Record<string, string> = { jpg: 'jpeg' }

test.each(IMAGES)('%s, as Pillow writes it, is known with its size', (name) => {
  const bytes = golden(`images/${name}`)
  const type = imageType(bytes)
  const ending = name.split('.')[1] ?? ''
  expect(type).toBe(TYPES[ending] ?? ending)
  expect(type && imageSize(bytes, type)).toEqual({ width: 7, height: 5 })
})

test.each(IMAGES)('%s cut off anywhere has either its size or none', (name) => {
  const bytes = golden(`images/${name}`)
  for (let length = 0; length < bytes.length; length++) {
    const part = bytes.slice(0, length)
    const type = imageType(part)
    const size = type && imageSize(part, type)
    if (size) expect(size).toEqual({ width: 7, height: 5 })
  }
  expect(imageType(bytes.slice(0, 1))).toBeUndefined()
})

test.each([
  ['', ''],
  ['text', 'BMW is a company that builds cars'],
  ['a PDF', '%PDF-1.4'],
  ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg">'],
  ['sound', 'RIFF\x10\0\0\0WAVEfmt '],
  ['a film', '\0\0\0\x20ftypisom\0\0\x02\0isomiso2'],
])('no image: %s', (_, text) => {
  expect(imageType(Uint8Array.from(text, (c) => c.charCodeAt(0)))).toBeUndefined()
})

test('a size of nothing is no size', () => {
  const bytes = golden('images/plain.png')
  bytes.fill(0, 16, 20)
  expect(imageSize(bytes, 'png')).toBeUndefined()
})
