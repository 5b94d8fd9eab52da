/** A recipe as part of an address: `#recipe=` and its JSON, deflated, in base64url. */
const KEY = 'recipe'

/** What an address says to show. */
export interface LinkedRecipe {
  readonly recipe: unknown
}

/** The fragment that carries a recipe; a few hundred characters. */
export async function recipeFragment(recipe: unknown): Promise<string> {
  const bytes = await through(
    new TextEncoder().encode(JSON.stringify(recipe)),
    new CompressionStream('deflate-raw'),
  )
  return `#${KEY}=${toBase64Url(bytes)}`
}

/** An address of a page that carries a recipe. */
export async function recipeLink(recipe: unknown, site: string): Promise<string> {
  return new URL(await recipeFragment(recipe), site).href
}

/** The recipe an address carries; undefined where it carries none. @throws {SyntaxError} when it was cut off or changed. */
export async function recipeOfFragment(fragment: string): Promise<LinkedRecipe | undefined> {
  const text = new URLSearchParams(fragment.replace(/^#/, '')).get(KEY)
  if (text === null) return undefined
  try {
    const bytes = await through(ofBase64Url(text), new DecompressionStream('deflate-raw'))
    return { recipe: JSON.parse(new TextDecoder().decode(bytes)) as unknown }
  } catch (cause) {
    throw new SyntaxError(
      'the link: expected a recipe, got one that was cut off or changed: ask for the link again',
      {
        cause,
      },
    )
  }
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const result = new Response(new Blob([bytes]).stream().pipeThrough(stream))
  return new Uint8Array(await result.arrayBuffer())
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

function ofBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
