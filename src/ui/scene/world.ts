/** What scenes are drawn from: `public/data/scene-maker`, made by `tools/world/scene_maker.py`. */
export interface SceneWorld extends Description {
  /** Address of the sheet with all emojis. */
  readonly spritesUrl: string
  readonly sprites: ImageBitmap
  /** A column for each place, a row for each variant. */
  readonly backgrounds: ImageBitmap
}

/** `scene-maker.json`. */
export interface Description {
  /** Side of a picture, in pixels. */
  readonly imageSize: number
  readonly mostSprites: number
  /** Emojis side by side on the sheet, and the side of each in pixels. */
  readonly columns: number
  readonly cell: number
  readonly sizes: readonly SpriteSize[]
  /** Anticlockwise, in degrees, in their order. */
  readonly angles: readonly number[]
  readonly colours: readonly string[]
  readonly nouns: readonly SceneNoun[]
  /** Backgrounds of each place. */
  readonly variants: number
  readonly places: readonly {
    readonly name: string
    readonly phrase: string
    readonly typical: readonly string[]
  }[]
  /** What is often named where something else stands, whether or not it is there. */
  readonly habits: readonly Habit[]
}

export interface SpriteSize {
  readonly name: string
  /** Of the thing, in a picture's pixels. */
  readonly side: number
}

export interface SceneNoun {
  readonly name: string
  readonly plural: string
  /** Number of its first emoji on the sheet; those of its colours follow. */
  readonly look: number
  readonly isTintable: boolean
}

/** A thing in a picture. */
export interface Sprite {
  readonly noun: string
  readonly colour: string | null
  /** Numbers of its size and of its angle. */
  readonly size: number
  readonly angle: number
  /** Centre, in pixels from the top left. */
  readonly x: number
  readonly y: number
  readonly flip: boolean
}

/** Where the first thing stands in a place, the second is often named. */
export interface Habit {
  readonly place: string
  readonly trigger: string
  readonly invented: string
}

const FOLDER = 'data/scene-maker/'

let loading: Promise<SceneWorld> | undefined

/** Fetches it, once. @param site address of the page. @throws {TypeError} when it cannot be fetched. */
export function loadSceneWorld(site: string): Promise<SceneWorld> {
  loading ??= load(new URL(FOLDER, site)).catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(folder: URL): Promise<SceneWorld> {
  const get = async (name: string): Promise<Response> => {
    const response = await fetch(new URL(name, folder))
    if (!response.ok)
      throw new TypeError(`scene maker: expected ${name} beside the page, got status ${response.status}`)
    return response
  }
  const sheet = async (name: string): Promise<ImageBitmap> =>
    await createImageBitmap(await (await get(name)).blob(), { colorSpaceConversion: 'none' })
  const [description, sprites, backgrounds] = await Promise.all([
    get('scene-maker.json').then((response) => response.json() as Promise<Description>),
    sheet('sprites.webp'),
    sheet('backgrounds.webp'),
  ])
  return { ...description, sprites, backgrounds, spritesUrl: new URL('sprites.webp', folder).href }
}
