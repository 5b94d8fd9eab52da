import { statSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './usage.ts'

/** @throws {UsageError} unless a flag's path is a file. */
export function expectFile(flag: string, path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`${flag}: expected a file, found none at ${path}`)
}

/** @throws {UsageError} unless a flag's path is a folder. */
export function expectFolder(flag: string, path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`${flag}: expected a folder, found none at ${path}`)
}

/** @throws {UsageError} unless a flag's path is a folder with a `config.json`. */
export function expectModel(flag: string, path: string): void {
  expectFolder(flag, path)
  if (!statSync(join(path, 'config.json'), { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `${flag}: expected a model in the Hugging Face layout, found no config.json in ${path}`,
    )
}
