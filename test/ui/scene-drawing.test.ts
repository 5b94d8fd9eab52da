import { expect, test } from 'vitest'
import { scenePicture } from '../../src/ui/scene/drawing.ts'
import { sceneOfTrap, withChange } from '../../src/ui/scene/scene.ts'
import { loadSceneWorld } from '../../src/ui/scene/world.ts'
import { goldenBlob } from '../support/goldens.ts'

/** Most that a channel may differ from what `scenes.render` draws; both keep six bits. Measured 9. */
const TOLERANCE = 12
const SITE = new URL('/', location.href).href

async function pixels(blob: Blob): Promise<Uint8ClampedArray> {
  const image = await createImageBitmap(blob, { colorSpaceConversion: 'none' })
  const canvas = new OffscreenCanvas(image.width, image.height)
  const context = canvas.getContext('2d')
  context?.drawImage(image, 0, 0)
  return context?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray()
}

const difference = (a: Uint8ClampedArray, b: Uint8ClampedArray): number =>
  a.length === b.length
    ? a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)
    : Number.POSITIVE_INFINITY

test.each([0, 5, 10, 15, 20])('trap %i is drawn as the pictures the models know', async (number) => {
  const world = await loadSceneWorld(SITE)
  const trap = world.traps[number]
  if (!trap) throw new Error('expected a trap')
  const golden = await pixels(await goldenBlob(`scene-maker/${number}.png`))
  const scene = sceneOfTrap(trap)
  expect(golden).toHaveLength(4 * world.imageSize ** 2)
  const drawn = await pixels(await scenePicture(world, scene))
  expect(difference(drawn, golden)).toBeLessThanOrEqual(TOLERANCE)
  // Another place, size or side of anything is seen at once.
  const sprite = scene.sprites[0]
  const toMiddle = (sprite?.x ?? 0) < world.imageSize / 2 ? 2 : -2
  for (const change of [{ x: (sprite?.x ?? 0) + toMiddle }, { size: 2 }, { flip: !sprite?.flip }]) {
    const other = await pixels(await scenePicture(world, withChange(world, scene, 0, change)))
    expect(difference(other, golden)).toBeGreaterThan(3 * TOLERANCE)
  }
})
