import { cutSprite, type Pixels } from './cutting.ts'
import type { Scene } from './scene.ts'
import type { SceneWorld, Sprite } from './world.ts'

type Canvas = OffscreenCanvas | HTMLCanvasElement

/** Sprites that have been cut, by how they stand. */
const CUT = new WeakMap<SceneWorld, Map<string, Pixels>>()

/**
 * Draws a scene as `render` in `tools/world/scenes.py` does, so that it looks to the models like the pictures they know: sprites
 * further down over those further up, six bits a channel.
 * @param canvas as large as a picture.
 */
export function drawScene(world: SceneWorld, scene: Scene, canvas: Canvas): void {
  const { imageSize: side, backgrounds, places } = world
  const column = Math.max(
    0,
    places.findIndex(({ name }) => name === scene.place),
  )
  const context = contextOf(canvas)
  context.drawImage(backgrounds, column * side, scene.variant * side, side, side, 0, 0, side, side)
  const picture = context.getImageData(0, 0, side, side)
  const values = Float32Array.from(picture.data)
  for (const sprite of [...scene.sprites].sort((a, b) => a.y - b.y))
    lay(cutOf(world, sprite), sprite, values, side)
  for (let i = 0; i < values.length; i++) {
    const value = Math.min(255, Math.floor((values[i] ?? 0) + 0.5))
    picture.data[i] = i % 4 === 3 ? 255 : (value & 0xfc) | (value >> 6)
  }
  context.putImageData(picture, 0, 0)
}

/** A scene's picture as a file. */
export async function scenePicture(world: SceneWorld, scene: Scene): Promise<File> {
  const canvas = new OffscreenCanvas(world.imageSize, world.imageSize)
  drawScene(world, scene, canvas)
  return new File([await canvas.convertToBlob()], 'scene.png', { type: 'image/png' })
}

/** Where a thing's emoji lies on the sheet. */
export function cellOf(
  { columns, cell, nouns, colours }: Pick<SceneWorld, 'columns' | 'cell' | 'nouns' | 'colours'>,
  { noun, colour }: Pick<Sprite, 'noun' | 'colour'>,
): { readonly left: number; readonly top: number } {
  const { look = 0 } = nouns.find(({ name }) => name === noun) ?? {}
  const place = look + (colour === null ? 0 : Math.max(0, colours.indexOf(colour)))
  return { left: (place % columns) * cell, top: Math.floor(place / columns) * cell }
}

function cutOf(world: SceneWorld, sprite: Sprite): Pixels {
  const known = CUT.get(world) ?? new Map<string, Pixels>()
  CUT.set(world, known)
  const { noun, colour, size, angle, flip } = sprite
  const key = JSON.stringify([noun, colour, size, angle, flip])
  const cut =
    known.get(key) ??
    cutSprite(emojiOf(world, sprite), {
      side: world.sizes[size]?.side ?? 0,
      angle: world.angles[angle] ?? 0,
      flip,
    })
  known.set(key, cut)
  return cut
}

function emojiOf(world: SceneWorld, sprite: Sprite): Pixels {
  const { cell, sprites } = world
  const { left, top } = cellOf(world, sprite)
  const context = contextOf(new OffscreenCanvas(cell, cell))
  context.drawImage(sprites, left, top, cell, cell, 0, 0, cell, cell)
  return context.getImageData(0, 0, cell, cell)
}

/** Lays a cut sprite over a picture. @param values (side, side, 4) */
function lay(cut: Pixels, { x, y }: Sprite, values: Float32Array, side: number): void {
  const [left, top] = [x - Math.floor(cut.width / 2), y - Math.floor(cut.height / 2)]
  for (let row = Math.max(0, -top); row < Math.min(cut.height, side - top); row++)
    for (let column = Math.max(0, -left); column < Math.min(cut.width, side - left); column++) {
      const from = 4 * (row * cut.width + column)
      const to = 4 * ((top + row) * side + left + column)
      const alpha = (cut.data[from + 3] ?? 0) / 255
      for (let c = 0; c < 3; c++)
        values[to + c] = (values[to + c] ?? 0) * (1 - alpha) + (cut.data[from + c] ?? 0) * alpha
    }
}

function contextOf(canvas: Canvas): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true }) as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D
    | null
  if (!context) throw new Error('scene: expected a canvas to draw on, got none')
  return context
}
