import type { AmberTruth } from '../../evaluate/amber.ts'
import type { Description, Sprite } from './world.ts'

/** A picture that a visitor makes: things in a place. */
export interface Scene {
  readonly place: string
  /** Number of the background among the place's. */
  readonly variant: number
  /** In the order they came. */
  readonly sprites: readonly Sprite[]
}

/** An empty place. */
export function emptyScene(place: string): Scene {
  return { place, variant: 0, sprites: [] }
}

/** Number of the angle at which a thing stands upright. */
export function upright({ angles }: Pick<Description, 'angles'>): number {
  return Math.max(0, angles.indexOf(0))
}

/**
 * A scene with one more thing, of medium size and upright.
 * @param at where its centre goes. Default the middle of the ninth of the picture that is furthest from all others.
 * @returns the scene as it was when it is full.
 */
export function withSprite(
  world: Description,
  scene: Scene,
  noun: string,
  at: Pick<Sprite, 'x' | 'y'> = freePlace(world, scene),
): Scene {
  if (scene.sprites.length >= world.mostSprites) return scene
  const isTintable = world.nouns.find(({ name }) => name === noun)?.isTintable ?? false
  const colour = isTintable ? (world.colours[scene.sprites.length % world.colours.length] ?? null) : null
  const size = Math.floor(world.sizes.length / 2)
  const sprite = inside(world, { noun, colour, size, angle: upright(world), flip: false, ...at })
  return { ...scene, sprites: [...scene.sprites, sprite] }
}

/** A scene with one thing changed; it stays inside the picture. */
export function withChange(world: Description, scene: Scene, index: number, change: Partial<Sprite>): Scene {
  const sprites = scene.sprites.map((sprite, i) =>
    i === index ? inside(world, { ...sprite, ...change }) : sprite,
  )
  return { ...scene, sprites }
}

export function withoutSprite(scene: Scene, index: number): Scene {
  return { ...scene, sprites: scene.sprites.filter((_, i) => i !== index) }
}

/** What is in a scene, and what one would expect in such a place and is not: AMBER's terms. */
export function sceneTruth(world: Description, { place, sprites }: Scene): AmberTruth {
  const truth = [...new Set(sprites.map(({ noun }) => noun))]
  const typical = world.places.find(({ name }) => name === place)?.typical ?? []
  return { truth, hallu: typical.filter((noun) => !truth.includes(noun)) }
}

/** A thing in words, such as "red car, left top". */
export function spriteName({ imageSize }: Description, { noun, colour, x, y }: Sprite): string {
  const third = (at: number, names: readonly [string, string, string]): string =>
    names[at < imageSize / 3 ? 0 : at < (2 * imageSize) / 3 ? 1 : 2]
  const column = third(x, ['left', '', 'right'])
  const row = third(y, ['top', '', 'bottom'])
  return `${colour === null ? '' : `${colour} `}${noun}, ${[row, column].filter(Boolean).join(' ') || 'middle'}`
}

/** As near as its size allows to where it should be, in whole pixels: `place_sprite` in `tools/world/scenes.py`. */
function inside({ imageSize, sizes }: Description, sprite: Sprite): Sprite {
  const edge = Math.floor((sizes[sprite.size]?.side ?? 0) / 2) + 1
  const within = (at: number): number => Math.min(imageSize - edge, Math.max(edge, Math.round(at)))
  return { ...sprite, x: within(sprite.x), y: within(sprite.y) }
}

/** The slots of `scenes.py`, nine to a picture. */
function freePlace({ imageSize }: Description, { sprites }: Scene): Pick<Sprite, 'x' | 'y'> {
  const places = [4, 0, 8, 2, 6, 3, 5, 1, 7].map((slot) => ({
    x: (imageSize / 6) * (1 + 2 * (slot % 3)),
    y: (imageSize / 6) * (1 + 2 * Math.floor(slot / 3)),
  }))
  const room = (at: Pick<Sprite, 'x' | 'y'>): number =>
    Math.min(...sprites.map(({ x, y }) => Math.hypot(x - at.x, y - at.y)))
  return places.reduce((best, at) => (room(at) > room(best) ? at : best))
}
