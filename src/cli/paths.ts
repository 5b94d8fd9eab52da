import { statSync } from 'node:fs'
import { UsageError } from './usage-error.ts'

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
