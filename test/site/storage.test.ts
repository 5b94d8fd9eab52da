import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
import { damageStored } from '../support/stored.ts'

// What the browser's storage can do to a run; every test goes on where the one before it ended.

/** Bytes: the data sets of the run take half of it, its models and checkpoints many times as much. */
const ROOM = 1_000_000

let site: OpenSite
let page: Page
let devtools: CDPSession

beforeAll(async () => {
  site = await openSite()
  page = await site.visit()
  devtools = await site.context.newCDPSession(page)
  await page.evaluate(async () => await navigator.serviceWorker.ready) // the site has been kept
  await page.goto('about:blank')
  // Chromium holds a site's databases open for 2 seconds more, and goes by the room it found for up to 30 while it does.
  await page.waitForTimeout(6000)
}, 5 * MINUTES)
afterAll(() => site.close())

/** Leaves the site so much room on the disk beside what it has stored; all there is without a number. */
async function leaveRoom(byteLength?: number): Promise<void> {
  const { origin } = new URL(site.url)
  const { usage } = await devtools.send('Storage.getUsageAndQuota', { origin })
  const size = byteLength === undefined ? {} : { quotaSize: usage + byteLength }
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, ...size })
}

/** What is noted in the card of a stage. */
async function notesOf(stage: string): Promise<string> {
  const texts = await page
    .locator('stage-notes')
    .evaluateAll(
      (found, wanted) =>
        found
          .filter((one) => (one as unknown as { stage: string }).stage === wanted)
          .map((one) => one.shadowRoot?.textContent ?? ''),
      stage,
    )
  return texts.join(' ').replace(/\s+/g, ' ')
}

/** What the evaluation came to, without what it took. */
async function figures(): Promise<string> {
  const [said = ''] = (await textWithin(page, 'evaluate-results')).split('Time and memory')
  return said
}

test('a full disk stops the run with what to do, and nothing that was finished is lost', {
  timeout: 20 * MINUTES,
}, async () => {
  await leaveRoom(ROOM)
  await site.visit(TINY, page)
  await page.getByRole('button', { name: 'Start' }).click()
  await expect.poll(async () => (await runState(page)).status, { timeout: 5 * MINUTES }).toBe('failed')
  await expect
    .poll(() => textWithin(page, 'run-bar'))
    .toMatch(
      /storage is full. Delete runs below or free disk space, then resume: nothing that was finished is lost/,
    )
  const finished = partsOf(await runState(page)).filter((part) => part.endsWith(' done'))
  expect(finished).toContain('dataset train done')

  await leaveRoom()
  await page.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(async () => (await runState(page)).status).not.toBe('failed')
  const done = await untilRun(page, ({ status }) => status === 'done', 10 * MINUTES)
  expect(partsOf(done)).toEqual(
    expect.arrayContaining(finished.map((part) => part.replace(/ done$/, ' stored'))),
  )
  expect(partsOf(done)).toContain('evaluate done')
  await expect.poll(() => textWithin(page, 'evaluate-results')).toContain('Captions that invent something')
})

test('a damaged value is told in its stage’s card, dropped and made again', {
  timeout: 15 * MINUTES,
}, async () => {
  const before = await figures()
  await damageStored(page, 'scores', 0)
  await page.reload() // the run is shown, and with it what is damaged
  const told = /1 stored value turned out damaged and was dropped.*scores\/\w+\/unit\/0 was damaged/
  await expect.poll(() => notesOf('score')).toMatch(told)
  expect(await notesOf('pair')).not.toContain('damaged')
  expect(await notesOf('dataset')).toMatch(
    /8 pictures, 8 with captions, 8 of which it is known what they show/,
  )

  await page.getByRole('button', { name: 'Resume' }).click()
  const done = await untilRun(page, ({ status }) => status === 'done', 10 * MINUTES)
  expect(partsOf(done).filter((part) => !part.endsWith(' stored'))).toEqual(['score done'])
  await expect.poll(async () => (await figures()) === before).toBe(true)
  await page.reload()
  await expect.poll(() => notesOf('score')).toMatch(told)
})
