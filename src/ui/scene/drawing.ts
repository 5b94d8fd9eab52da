import type { Scene } from './scene.ts'
import type { SceneWorld, Sprite } from './world.ts'

type Canvas = OffscreenCanvas | HTMLCanvasElement

/**
 * Draws a scene as `render` in `tools/world/scenes.py` does, so that it looks to the models like the pictures they know: sprites
 * further down over those further up, six bits a channel.
 * @param canvas as large as a picture.
 */
export function drawScene(world: SceneWorld, scene: Scene, canvas: Canvas): void {
  const { imageSize: side, sprites, backgrounds, places } = world
  const context = canvas.getContext('2d', { willReadFrequently: true }) as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D
    | null
  if (!context) throw new Error('scene: expected a canvas to draw on, got none')
  const column = Math.max(
    0,
    places.findIndex(({ name }) => name === scene.place),
  )
  context.drawImage(backgrounds, column * side, scene.variant * side, side, side, 0, 0, side, side)
  for (const sprite of [...scene.sprites].sort((a, b) => a.y - b.y)) {
    const { left, top, cell } = cellOf(world, sprite)
    context.save()
    context.translate(sprite.x - Math.floor(cell / 2), sprite.y - Math.floor(cell / 2))
    if (sprite.flip) {
      context.translate(cell, 0)
      context.scale(-1, 1)
    }
    context.drawImage(sprites, left, top, cell, cell, 0, 0, cell, cell)
    context.restore()
  }
  const pixels = context.getImageData(0, 0, side, side)
  const { data } = pixels
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number
    data[i] = (value & 0xfc) | (value >> 6)
  }
  context.putImageData(pixels, 0, 0)
}

/** A scene's picture as a file. */
export async function scenePicture(world: SceneWorld, scene: Scene): Promise<File> {
  const canvas = new OffscreenCanvas(world.imageSize, world.imageSize)
  drawScene(world, scene, canvas)
  return new File([await canvas.convertToBlob()], 'scene.png', { type: 'image/png' })
}

/** Where a thing lies on the sheet of sprites. */
export function cellOf(
  { columns, sizes, nouns, colours }: Pick<SceneWorld, 'columns' | 'sizes' | 'nouns' | 'colours'>,
  { noun, colour, size }: Pick<Sprite, 'noun' | 'colour' | 'size'>,
): { readonly left: number; readonly top: number; readonly cell: number } {
  const { look = 0 } = nouns.find(({ name }) => name === noun) ?? {}
  const place = look + (colour === null ? 0 : Math.max(0, colours.indexOf(colour)))
  const { cell = 0, top = 0 } = sizes[size] ?? {}
  return { left: (place % columns) * cell, top: top + Math.floor(place / columns) * cell, cell }
}
