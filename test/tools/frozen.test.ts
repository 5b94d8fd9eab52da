import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import world from '../../public/models/world.json'

/** Bytes that all of `public/` may take. */
const TOTAL = 40_000_000

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => statSync(`${folder}/${name}`).isFile())
    .sort()
const bytesUnder = (folder: string): number =>
  filesUnder(folder).reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0)

test.each(Object.entries(world))('%s is what was frozen, and within its budget', (name, frozen) => {
  const folder = `public/${name}`
  const hash = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(`${folder}/${file}`))
      .digest('hex')
  expect(Object.fromEntries(filesUnder(folder).map((file) => [file, hash(file)]))).toEqual(frozen.sha256)
  expect(bytesUnder(folder)).toBe(frozen.bytes)
  expect(frozen.bytes).toBeLessThanOrEqual(frozen.budget)
})

test('nothing in public/ is left out of what is frozen, and all of it is within its budget', () => {
  const isFrozen = (file: string): boolean => Object.keys(world).some((name) => file.startsWith(`${name}/`))
  expect(filesUnder('public').filter((file) => !isFrozen(file))).toEqual(['models/world.json'])
  expect(bytesUnder('public')).toBeLessThanOrEqual(TOTAL)
})
