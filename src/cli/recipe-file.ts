import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseJson } from '../data/json-file.ts'
import { parseRecipe, type Recipe } from '../pipeline/recipe.ts'
import { UsageError } from './usage-error.ts'

/** The package's own folder, for the recipes that come with it. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

/** The recipe from which a stage by itself takes its settings where none is named. */
export const DEFAULT_RECIPE = 'recipes/paper.json'

export interface ReadRecipe {
  readonly path: string
  readonly json: unknown
  readonly parsed: Recipe
}

/** Where a recipe has the models that write beside its policy. */
export function otherWriters({ captioners, caption: { questions } }: Recipe): string[] {
  return [...captioners, ...(questions?.writer ? [questions.writer] : [])].map(({ source }) => source)
}

/** Reads a recipe, as named or one of those that come with the package; here, so that nothing is started for nothing. @throws {UsageError} */
export function readRecipe(named: string): ReadRecipe {
  const path = [resolve(named), join(PACKAGE, named)].find((candidate) => existsSync(candidate))
  if (path === undefined) throw new UsageError(`expected a recipe, found none at ${named}`)
  try {
    const json = parseJson(readFileSync(path, 'utf8'))
    return { path, json, parsed: parseRecipe(json, path) }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(message.startsWith(path) ? message : `${path}: ${message}`, { cause })
  }
}
