import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeHub, openHub } from '../support/hub.ts'
import {
  MINUTES,
  type OpenSite,
  openSite,
  partsOf,
  runState,
  TINY,
  textWithin,
  untilRun,
} from '../support/site.ts'

// Models of the hub on the built site: all that is not the hub itself is as it is for a visitor. Tests go on where others ended.

const RECIPE = {
  ...TINY,
  dataset: { source: 'embedded:emoji-scenes/train', limit: 4 },
  caption: { prompts: ['What is in this image?'], samples: 2 },
  pair: { minGap: 0 },
  train: { max_steps: 1 },
  evaluate: {
    dataset: { source: 'embedded:emoji-scenes/heldout', limit: 2 },
    questions: 0,
    clean_captions: 0,
    bootstrap: 10,
  },
}

let site: OpenSite
let page: Page
let hub: FakeHub

beforeAll(async () => {
  site = await openSite()
  hub = await openHub(site.context, 'public/models/emoji-llava')
  page = await site.visit(RECIPE)
  await page.locator('models-panel').getByText('Use another model').click()
}, 5 * MINUTES)
afterAll(async () => {
  hub.close()
  await site.close()
})

async function look(id: string): Promise<void> {
  const finder = page.locator('model-finder')
  await finder.getByLabel('From the Hugging Face hub').fill(id)
  await finder.getByRole('button', { name: 'Look at it' }).click()
  await finder.getByRole('button', { name: 'Look at it' }).waitFor() // no longer "Looking …"
}
const said = (): Promise<string> => textWithin(page, 'model-finder')

test('a model is told with its size, by way of the host of large files', { timeout: MINUTES }, async () => {
  await look('org/good')
  await expect.poll(said).toMatch(/org\/good: LlavaForConditionalGeneration, [\d.]+ MiB to load/)
  expect(hub.requests).toContain('HEAD large /org/good/resolve/main/model.safetensors')
})

test.each([
  ['org/gated', /does not give this to everybody.*403 Access to model org\/gated is restricted/],
  ['org/private', /does not give this to everybody.*or is not there.*401/],
  ['nobody/nothing', /does not give this to everybody.*or is not there.*Repository not found/],
  ['org/empty', /It cannot be used: it has no config\.json, no tokenizer\.json/],
  ['org/closed', /no network, or its server lets no other site read it/],
])('%s cannot be used, and why', { timeout: MINUTES }, async (id, why) => {
  await look(id)
  await expect.poll(said, { timeout: MINUTES }).toMatch(why)
  expect(await page.getByRole('button', { name: 'Use it in the recipe' }).count()).toBe(0)
})

test('a busy server is asked again', { timeout: MINUTES }, async () => {
  await look('org/busy')
  await expect.poll(said, { timeout: MINUTES }).toMatch(/org\/busy: LlavaForConditionalGeneration/)
})

test('a download that breaks off is told, and goes on where it stopped', {
  timeout: 15 * MINUTES,
}, async () => {
  hub.broken.add('onnx/vision_encoder.onnx')
  await look('org/good')
  await page.getByRole('button', { name: 'Use it in the recipe' }).click()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const failed = () => runState(page).then(({ status, problem }) => `${status} ${problem}`)
  await expect
    .poll(failed, { timeout: 3 * MINUTES })
    .toMatch(/^failed A file could not be fetched: there is no network.*vision_encoder\.onnx.*after 5 tries/)
  const fetched = (path: string) =>
    hub.requests.filter((one) => one === `GET large /org/good/resolve/main/${path}`).length
  const weights = fetched('model.safetensors')
  expect(weights).toBeGreaterThan(0)
  hub.broken.clear()
  await page.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(failed).not.toMatch(/^failed/)
  await untilRun(page, ({ status }) => status === 'done', 10 * MINUTES)
  expect(fetched('model.safetensors')).toBe(weights)
})

test('what was fetched is enough without network', { timeout: 10 * MINUTES }, async () => {
  hub.isDown = true
  await look('org/good')
  await expect.poll(said).toMatch(/org\/good: LlavaForConditionalGeneration/)
  await look('org/other')
  await expect.poll(said).toMatch(/there is no network/)
  const { id: first } = await runState(page)
  await site.visit({ ...RECIPE, seed: 7, policy: { source: 'org/good' } }, page)
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const begun = await untilRun(
    page,
    ({ id, parts }) => id !== first && parts.some(({ stage, done }) => stage === 'caption' && done > 0),
    5 * MINUTES,
  )
  expect(partsOf(begun)[0]).toMatch(/^dataset/)
  await page.getByRole('button', { name: 'Stop' }).click()
})
