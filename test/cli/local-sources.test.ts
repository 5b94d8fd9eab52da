import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { filesBelow } from '../../src/cli/local-sources.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sources-'))
  mkdirSync(join(folder, 'pictures', 'more'), { recursive: true })
  mkdirSync(join(folder, 'elsewhere'))
  writeFileSync(join(folder, 'elsewhere', 'b.png'), 'b')
  writeFileSync(join(folder, 'pictures', 'more', 'a.png'), 'a')
})
afterEach(() => rmSync(folder, { recursive: true }))

test('files below a folder are found through links, and links that lead nowhere or back are passed over', () => {
  const pictures = join(folder, 'pictures')
  symlinkSync(join(folder, 'elsewhere', 'b.png'), join(pictures, 'link.png'))
  symlinkSync(join(folder, 'elsewhere'), join(pictures, 'linked'))
  symlinkSync(pictures, join(pictures, 'more', 'back'))
  symlinkSync(join(folder, 'none'), join(pictures, 'broken.png'))
  mkdirSync(join(pictures, '.browser'))
  writeFileSync(join(pictures, '.browser', 'c.png'), 'c')
  expect(filesBelow(pictures).sort()).toEqual(['link.png', 'linked/b.png', 'more/a.png'])
})
