import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  drawPictures,
  MINUTES,
  type OpenSite,
  openSite,
  partsOf,
  runState,
  TINY,
  textWithin,
  untilRun,
} from '../support/site.ts'

/** Trained on little: what it comes to is proved elsewhere. */
const RECIPE = { ...TINY, train: { ...TINY.train, max_steps: 2 } }
const PICTURES = 'public/data/emoji-scenes/data/dev-00000-of-00001.parquet'

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit(RECIPE)
}, 5 * MINUTES)
afterAll(() => site.close())

const text = (selector: string): Promise<string> => textWithin(page, selector)

/** Sets how many pictures a stage takes, in its settings. */
async function take(stage: 'Pictures' | 'Before and after', most: number): Promise<void> {
  const card = page
    .locator('stage-card')
    .filter({ hasText: stage === 'Pictures' ? 'trained on, and others' : 'has never seen' })
  const settings = card.locator('stage-settings')
  await settings.getByText('Settings', { exact: false }).first().click()
  const field = settings.getByRole('spinbutton').first()
  await field.fill(String(most))
  await field.press('Tab')
}

test('pictures of which it is known what they show are trained on and measured on, none of them both', {
  timeout: 8 * MINUTES,
}, async () => {
  await page.getByLabel('Files or a zip').setInputFiles(PICTURES)
  await expect
    .poll(() => text('start-panel'), { timeout: MINUTES })
    .toMatch(
      /only the first 256 are trained on.*kept back and not trained on\. ?It is known what these show: the figures are of your own/,
    )
  await take('Pictures', 8)
  await take('Before and after', 6)
  await page.getByRole('button', { name: 'Run on my pictures' }).click()
  const done = await untilRun(page, ({ status }) => status === 'done', 6 * MINUTES)
  expect(partsOf(done)).not.toContain('dataset shown done')
  await expect
    .poll(() => text('evaluate-results'))
    .toContain('Measured on 6 of your own pictures the model was not trained on.')
  await expect.poll(() => text('evaluate-results')).toContain('Captions that invent something')
})

test('of others nothing is judged: they are shown before and after, beside the figures of emoji scenes', {
  timeout: 8 * MINUTES,
}, async () => {
  await site.visit(RECIPE, page)
  await page.getByLabel('Files or a zip').setInputFiles(await drawPictures(page, 5))
  await expect.poll(() => text('start-panel')).toContain('1 of them is kept back')
  const { id: before } = await runState(page)
  await page.getByRole('button', { name: 'Run on my pictures' }).click()
  const done = await untilRun(page, ({ id, status }) => id !== before && status === 'done', 6 * MINUTES)
  expect(partsOf(done)).toEqual(expect.arrayContaining(['dataset shown done', 'evaluate shown after done']))
  const said = () => text('evaluate-results')
  await expect.poll(said).toContain('Measured on 8 emoji scenes the model was not trained on.')
  await expect
    .poll(said)
    .toMatch(/not judged.*1 of your own pictures the model was not trained on\. Nothing here is judged/)
  await expect.poll(() => text('watched-answers')).toContain('it is not known what it shows')
})
