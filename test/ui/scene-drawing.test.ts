import { expect, test } from 'vitest'
import { scenePicture } from '../../src/ui/scene/drawing.ts'
import { type Scene, withChange } from '../../src/ui/scene/scene.ts'
import { loadSceneWorld, type Sprite } from '../../src/ui/scene/world.ts'
import described from '../goldens/scene-maker/scenes.json'
import { goldenBlob } from '../support/goldens.ts'

/** Most that a channel may differ from what `scenes.render` draws. Both keep six bits: measured 5, one of their steps. */
const TOLERANCE = 8
const SITE = new URL('/', location.href).href
const SCENES: readonly Scene[] = described

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

test('the goldens have things in every size and at every angle', async () => {
  const { sizes, angles } = await loadSceneWorld(SITE)
  const sprites = SCENES.flatMap((scene) => scene.sprites)
  const numbers = (of: keyof Sprite) => [...new Set(sprites.map((sprite) => sprite[of]))].sort()
  expect(numbers('size')).toEqual([...sizes.keys()])
  expect(numbers('angle')).toEqual([...angles.keys()])
  expect(numbers('flip')).toEqual([false, true])
})

test.each([...SCENES.keys()])('scene %i is drawn as the pictures the models know', async (number) => {
  const world = await loadSceneWorld(SITE)
  const golden = await pixels(await goldenBlob(`scene-maker/${number}.png`))
  const scene = SCENES[number] as Scene
  expect(golden).toHaveLength(4 * world.imageSize ** 2)
  const drawn = await pixels(await scenePicture(world, scene))
  expect(difference(drawn, golden)).toBeLessThanOrEqual(TOLERANCE)
  // Another place, size, angle or side of anything is seen at once.
  const [sprite] = scene.sprites
  if (!sprite) throw new Error('expected a thing')
  const toMiddle = sprite.x < world.imageSize / 2 ? 2 : -2
  const changes = [
    { x: sprite.x + toMiddle },
    { size: sprite.size + (sprite.size === 0 ? 1 : -1) },
    { angle: (sprite.angle + 1) % world.angles.length },
    { flip: !sprite.flip },
  ]
  for (const change of changes) {
    const other = await pixels(await scenePicture(world, withChange(world, scene, 0, change)))
    expect(difference(other, golden), JSON.stringify(change)).toBeGreaterThan(3 * TOLERANCE)
  }
})
