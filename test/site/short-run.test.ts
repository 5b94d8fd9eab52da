import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import { zipFolder } from '../../src/data/zip.ts'
import { MINUTES, type OpenSite, openSite, partsOf, textWithin, untilRun } from '../support/site.ts'

// The demo's short form as a visitor runs it, what it comes to, what is taken away of it, and its end.

/** Held-out pictures in the recipe. */
const PICTURES = 100

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit()
}, 5 * MINUTES)
afterAll(() => site.close())

const text = (selector: string): Promise<string> => textWithin(page, selector)

describe('the short recipe', () => {
  test('is chosen, run by one click, and comes to its end', { timeout: 15 * MINUTES }, async () => {
    await page.getByRole('radio', { name: /^Short/ }).check()
    await page.getByRole('button', { name: 'Run this recipe' }).click()
    const done = await untilRun(page, ({ status }) => status === 'done', 14 * MINUTES)
    expect(partsOf(done)).toEqual(expect.arrayContaining(['caption done', 'train done', 'evaluate done']))
  })

  test('makes the model invent less, and the page says so', { timeout: MINUTES }, async () => {
    const results = () => text('evaluate-results')
    await expect.poll(results).toContain(`Measured on ${PICTURES} emoji scenes the model was not trained on.`)
    const chair = /those that are not there: ([\d.]+)% before, ([\d.]+)% after, (\d+)% less/.exec(
      await results(),
    )
    const [before = 0, after = 0, less = 0] = (chair ?? []).slice(1).map(Number)
    expect(before).toBeGreaterThan(0)
    expect(after).toBeLessThan(before)
    expect(less).toBe(Math.round(100 * (1 - after / before)))
  })

  test('shows the same pictures before and after, with what was mended', { timeout: MINUTES }, async () => {
    const cards = page.locator('card-pages')
    const counted = async (name: string): Promise<number> =>
      Number(/\d+$/.exec((await cards.locator('label').filter({ hasText: name }).innerText()).trim())?.[0])
    await expect.poll(() => counted('All')).toBe(PICTURES)
    expect(await counted('Fixed')).toBeGreaterThan(await counted('Broken'))
    await cards.getByRole('radio', { name: /^Fixed/ }).check()
    const card = cards.locator('.card:visible').first()
    await expect.poll(() => card.innerText()).toContain('invented before, nothing invented after')
    const said = card.locator('.said')
    expect(await said.first().locator('del').count()).toBeGreaterThan(0)
    expect(await said.last().locator('del').count()).toBe(0)
  })
})

describe('files to take away', () => {
  const taken = async (name: RegExp): Promise<Folder> => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('take-away').getByRole('button', { name }).click(),
    ])
    const bytes = await readFile(await download.path())
    return await zipFolder(blobSource(new Blob([bytes]), download.suggestedFilename()))
  }
  const contentOf = async (folder: Folder, path: string): Promise<Buffer> => {
    const file = await folder.open(path)
    if (!file) throw new Error(`expected ${path} in ${folder.name}`)
    return Buffer.from(await file.read(0, file.byteLength))
  }

  test('are everything in one zip, as the command line writes it', { timeout: 2 * MINUTES }, async () => {
    const folder = await taken(/^Everything/)
    const paths = (folder.paths ?? []).map((path) => path.replace(/^smoke\//, ''))
    expect(paths.filter((path) => !path.startsWith('images/'))).toEqual([
      'adapter/adapter_config.json',
      'adapter/adapter_model.safetensors',
      'answers.jsonl',
      'captions.jsonl',
      'evaluation.json',
      'funnel.json',
      'metrics.jsonl',
      'pairs.jsonl',
      'recipe.json',
      'report.html',
      'scores.jsonl',
      'summary.json',
    ])
    expect(String(await contentOf(folder, 'smoke/report.html'))).toMatch(/^<!doctype html>/)
    const answers = String(await contentOf(folder, 'smoke/answers.jsonl'))
      .trim()
      .split('\n')
    expect(answers).toHaveLength(PICTURES)
  })

  test('are pairs with the pictures that they name', { timeout: 2 * MINUTES }, async () => {
    const folder = await taken(/^Pairs/)
    const lines = String(await contentOf(folder, 'smoke-pairs/pairs.jsonl'))
      .trim()
      .split('\n')
    const images = new Set(lines.flatMap((line) => (JSON.parse(line) as { images: string[] }).images))
    expect(folder.paths).toHaveLength(1 + images.size)
    for (const image of images) {
      const hash = createHash('sha256')
        .update(await contentOf(folder, `smoke-pairs/${image}`))
        .digest('hex')
      expect(image).toBe(`images/${hash}`)
    }
  })
})

describe('the run in the list', () => {
  const list = () => page.locator('run-list')
  const name = () => list().getByRole('textbox', { name: 'Name of the run' })

  test('keeps the name it is given', { timeout: MINUTES }, async () => {
    await name().fill('the very first')
    await name().press('Enter')
    await list().getByRole('button', { name: 'Delete the very first' }).waitFor()
    await page.reload()
    await expect.poll(() => name().inputValue()).toBe('the very first')
  })

  test('tells what it takes, and is deleted for good', { timeout: MINUTES }, async () => {
    const storage =
      /own storage is what deleting it frees.*\([\d.]+ MiB of all runs\).*keeps takes [\d.]+ MiB; the browser allows [\d.]+ [MG]iB/
    await expect.poll(() => text('run-list')).toMatch(storage)
    await list().getByRole('button', { name: 'Delete the very first' }).click()
    await list().getByRole('button', { name: 'Delete for good' }).click()
    await expect.poll(() => text('run-list')).toContain('None yet.')
    await page.reload()
    const stored = await page.evaluate(async () => {
      const { model } = document.querySelector('app-page') as unknown as {
        model: { runner: { list(): Promise<unknown[]> } }
      }
      return await model.runner.list()
    })
    expect(stored).toEqual([])
  })
})
