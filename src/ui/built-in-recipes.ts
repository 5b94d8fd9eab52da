import type { Json } from './recipe-draft.ts'

const FILES = import.meta.glob<Json>('../../recipes/*.json', { import: 'default' })

/** Names of the recipes that come with the page. */
export const BUILT_IN = Object.keys(FILES).map(nameOf)

/** A recipe that comes with the page. @throws {RangeError} when there is none of that name. */
export async function builtInRecipe(name: string): Promise<Json> {
  const path = Object.keys(FILES).find((other) => nameOf(other) === name)
  const load = path === undefined ? undefined : FILES[path]
  if (!load) throw new RangeError(`recipe ${name}: expected one of ${BUILT_IN.join(', ')}`)
  return await load()
}

/** The name of the recipe that comes with the page and makes the run of an id; empty where none does. */
export async function builtInNameOf(id: string, idOf: (recipe: unknown) => Promise<string>): Promise<string> {
  for (const name of BUILT_IN) if ((await idOf(await builtInRecipe(name))) === id) return name
  return ''
}

function nameOf(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.json$/, '')
}
