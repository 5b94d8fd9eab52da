import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BIOME = resolve('node_modules/@biomejs/biome/bin/biome')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-'))
  const { $schema: _, vcs: __, ...rules } = JSON.parse(readFileSync('biome.json', 'utf8'))
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(rules))
  writeFileSync(
    join(folder, 'gpu.ts'),
    'export class Gpu {\n  async idle(): Promise<void> {}\n  flush(): void {}\n}\n',
  )
})

afterAll(() => rmSync(folder, { recursive: true }))

/** The rules a module breaks that lies beside one with a `Gpu` class. */
function brokenRules(source: string): string[] {
  writeFileSync(join(folder, 'planted.ts'), source)
  const { stdout, stderr } = spawnSync(process.execPath, [BIOME, 'lint', '--reporter=github'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return [...`${stdout}${stderr}`.matchAll(/::error title=lint\/\w+\/(\w+)/g)].map((m) => m[1] as string)
}

test.each([
  [
    'nothing in order',
    'export async function f(gpu: Gpu): Promise<void> {\n  gpu.flush()\n  await gpu.idle()\n}',
    [],
  ],
  ['a floating promise', 'export function f(gpu: Gpu): void {\n  gpu.idle()\n}', ['noFloatingPromises']],
  ['any', 'export function f(gpu: Gpu, x: any): unknown {\n  gpu.flush()\n  return x\n}', ['noExplicitAny']],
  ['a non-null assertion', 'export const f = (gpu?: Gpu): void => gpu!.flush()', ['noNonNullAssertion']],
])('the linter sees %s', (_, source, rules) => {
  expect(brokenRules(`import type { Gpu } from './gpu.ts'\n\n${source}\n`)).toEqual(rules)
})
