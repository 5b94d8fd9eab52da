import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { golden, IMAGES } from '../support/datasets.ts'
import {
  dropFiles,
  MINUTES,
  type OpenSite,
  openSite,
  TINIEST,
  textWithin,
  untilRun,
} from '../support/site.ts'

// Own pictures as they are dropped from a computer's folders: what the browser tells of these comes from the disk.

/** In one folder, of which a browser tells a hundred at a time. */
const MANY = 230

let site: OpenSite
let page: Page
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drop-'))
  mkdirSync(join(folder, 'few/inside/deep'), { recursive: true })
  for (const [i, name] of IMAGES.entries())
    copyFileSync(
      new URL(`../goldens/image-datasets/images/${name}`, import.meta.url),
      join(folder, i % 2 === 0 ? 'few' : 'few/inside/deep', name),
    )
  writeFileSync(join(folder, 'few/inside/bad.png'), 'no picture')
  mkdirSync(join(folder, 'many/inside'), { recursive: true })
  const plain = golden('images/plain.png')
  // No two alike: what follows a picture's end is passed over.
  const other = (i: number): Uint8Array<ArrayBuffer> => Uint8Array.of(...plain, i, 255)
  for (let i = 0; i < MANY; i++) writeFileSync(join(folder, `many/inside/${i}.png`), other(i))
  const packed = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`some/${i}.png`, other(i)]))
  writeFileSync(join(folder, 'packed.zip'), zipSync(packed))
  site = await openSite()
  page = await site.visit(TINIEST)
}, 5 * MINUTES)
afterAll(async () => {
  await site.close()
  rmSync(folder, { recursive: true })
})

const panel = (): Promise<string> => textWithin(page, 'start-panel')

/** Drops files and folders where pictures are taken. */
const drop = (...names: string[]): Promise<void> =>
  dropFiles(page.locator('picture-drop').first(), ...names.map((name) => join(folder, name)))

test('a folder is taken with all that is in it, however much', { timeout: 2 * MINUTES }, async () => {
  await drop('many')
  await expect.poll(panel).toContain(`many, ${MANY} files`)
  await expect.poll(panel).toContain(`Found ${MANY} pictures`)
})

test('a zip is taken as the folder that it holds', { timeout: MINUTES }, async () => {
  await drop('packed.zip')
  await expect.poll(panel).toContain('packed.zip')
  await expect.poll(panel).toContain('Found 9 pictures')
})

test('several things are taken together', { timeout: MINUTES }, async () => {
  await drop('few', 'many')
  await expect.poll(panel).toContain(`${IMAGES.length + 1 + MANY} files`)
})

test('pictures of all kinds are described, and what is none is told', { timeout: 8 * MINUTES }, async () => {
  await drop('few')
  await expect.poll(panel).toContain(`few, ${IMAGES.length + 1} files`)
  await page.getByRole('button', { name: 'Run on my pictures' }).click()
  await untilRun(page, ({ parts }) =>
    parts.some(({ stage, state }) => stage === 'caption' && state === 'done'),
  )
  await expect.poll(() => textWithin(page, 'stage-notes')).toMatch(/1 file passed over.*bad\.png/)
  await expect.poll(() => page.locator('picture-texts ol li').count()).toBeGreaterThan(1)
  await page.getByRole('button', { name: 'Stop' }).click()
  await untilRun(page, ({ status }) => status === 'stopped')
})
