import { expect, test } from 'vitest'
import { heldOutStart, inspectPictures } from '../../src/pipeline/inspect-pictures.ts'
import { isInShare, placeOf } from '../../src/pipeline/share.ts'

async function picture(width: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, 1)
  canvas.getContext('2d')
  return await canvas.convertToBlob()
}

async function setOf(widths: readonly number[], more: Record<string, Blob> = {}) {
  const files = Object.fromEntries(
    await Promise.all(widths.map(async (width) => [`${width}.png`, await picture(width)] as const)),
  )
  return { folder: { name: 'set', files: { ...files, ...more } } }
}
const SITE = `${location.origin}/`

test('pictures that were given are counted once each, named by their contents, and some are kept back', async () => {
  const six = await inspectPictures(await setOf([1, 2, 3, 4, 5, 6]), SITE)
  expect(six).toMatchObject({ images: 6, isWhole: true, withTruth: 0, heldOut: 1 })
  expect(six.heldOutFrom).toBeGreaterThan(0)
  expect(await inspectPictures(await setOf([1, 2, 3, 4, 5, 6]), SITE)).toEqual(six)
  const other = await inspectPictures(await setOf([1, 2, 3, 4, 5, 7]), SITE)
  expect(other.sha256).not.toBe(six.sha256)
  const twice = await inspectPictures(await setOf([1, 2], { 'again.png': await picture(1) }), SITE)
  expect(twice.images).toBe(2)
})

test('of one picture none is kept back', async () => {
  const one = await inspectPictures(await setOf([1]), SITE)
  expect(one).toMatchObject({ images: 1, heldOut: 0 })
  expect(one).not.toHaveProperty('heldOutFrom')
})

test('it is told of how many it is known what they show', async () => {
  const notes = new Blob([JSON.stringify({ file_name: '1.png', truth: ['cat'], hallu: [] })])
  const found = await inspectPictures(await setOf([1, 2], { 'metadata.jsonl': notes }), SITE)
  expect(found).toMatchObject({ images: 2, withTruth: 1 })
})

test('what holds no picture is refused', async () => {
  const spec = { folder: { name: 'set', files: { 'a.txt': new Blob(['x']) } } }
  await expect(inspectPictures(spec, SITE)).rejects.toThrow('expected a dataset with at least one image')
})

test('of few pictures a fifth is kept back, of many those from 0.8 on', () => {
  const places = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.61, 0.62, 0.63, 0.64]
  const start = heldOutStart(places) ?? 0
  expect(places.filter((place) => place >= start)).toEqual([0.63, 0.64])
  expect(heldOutStart([0.9, 0.95])).toBeCloseTo(0.925)
  expect(heldOutStart(Array.from({ length: 50 }, (_, i) => i / 100))).toBe(0.8)
})

test('a share is told by contents, its lower end included and its upper not', () => {
  const half = `8${'0'.repeat(63)}`
  expect(placeOf(half)).toBe(0.5)
  expect(placeOf('f'.repeat(64))).toBeLessThan(1)
  expect([isInShare(half, [0, 0.5]), isInShare(half, [0.5, 1])]).toEqual([false, true])
})
