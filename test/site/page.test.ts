import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunState } from '../../src/ui/run-state.ts'
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
import { checkpointSteps } from '../support/stored.ts'

// The built site in a browser, from a first visit on; every test goes on where the one before it ended.

/** Long enough that training is under way for a while; it is looked at after every second step. */
const STEPS = 8
const RECIPE = { ...TINY, train: { ...TINY.train, max_steps: STEPS } }

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit()
}, 5 * MINUTES)
afterAll(() => site.close())

const text = (selector: string): Promise<string> => textWithin(page, selector)

test('a first visit shows what this is, the machine’s verdict and the demo', async () => {
  await page.getByRole('button', { name: 'Run the demo' }).waitFor()
  await expect.poll(() => text('doctor-card')).toContain('WebGPU works')
  expect(await page.locator('main > header').innerText()).toContain('stop inventing what is not')
})

test('the keyboard alone reaches recipe, start, settings and runs', async () => {
  const reached: string[] = []
  await page.locator('body').focus()
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    reached.push(
      await page.evaluate(() => {
        let active = document.activeElement
        while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
        return (active?.closest('label') ?? active)?.textContent?.replace(/\s+/g, ' ').trim() ?? ''
      }),
    )
  }
  for (const name of [/^Demo/, /^Run the demo$/, /^Files or a zip/, /^Start$/, /^Settings/])
    expect(
      reached.some((text) => name.test(text)),
      `${name} in ${reached.join(' | ')}`,
    ).toBe(true)
})

test('two tabs do not run the same; a pause holds; a reload in mid-training goes on', {
  timeout: 15 * MINUTES,
}, async () => {
  await site.visit(RECIPE, page)
  await page.getByRole('button', { name: 'Start' }).click()
  await untilRun(page, ({ parts }) => parts.some(({ stage }) => stage === 'caption'))

  await expect.poll(() => text('run-list')).toMatch(/\bopen\b/) // it is among the runs while it runs
  expect(await page.locator('run-list').getByRole('button', { name: 'Open', exact: true }).isDisabled()).toBe(
    true,
  )

  const other = await site.visit(RECIPE)
  await untilRun(other, ({ status }) => status === 'elsewhere')
  expect(await other.getByRole('button', { name: 'Start', exact: true }).count()).toBe(0)
  await other.close()

  await page.getByRole('button', { name: 'Pause' }).click()
  await page.waitForTimeout(1000)
  const held = await untilRun(page, ({ status }) => status === 'paused')
  await page.waitForTimeout(3000)
  expect(partsOf(await untilRun(page, () => true))).toEqual(partsOf(held))
  await page.getByRole('button', { name: 'Resume' }).click()

  const training = ({ parts }: RunState) =>
    parts.find(({ stage, unit }) => stage === 'train' && unit === 'steps')
  await untilRun(page, (state) => (training(state)?.done ?? 0) > 2)
  const kept = Math.max(...(await checkpointSteps(page)))
  expect(kept).toBeGreaterThan(0)
  await page.reload()
  await page.getByRole('button', { name: 'Stop' }).waitFor() // it has gone on by itself
  const resumed = await untilRun(page, (state) => training(state) !== undefined)
  expect(training(resumed)?.samples[0]?.done).toBeGreaterThan(kept)
  const done = await untilRun(page, ({ status }) => status === 'done')
  expect(partsOf(done).slice(0, 5)).toEqual([
    'dataset train stored',
    'dataset heldout stored',
    'caption stored',
    'score stored',
    'pair stored',
  ])
  expect(partsOf(done)).toContain('evaluate done')
})

test('every stage shows what it came to', { timeout: 2 * MINUTES }, async () => {
  await expect.poll(() => page.locator('dataset-grid').first().getByRole('button').count()).toBe(8)
  await expect.poll(() => text('picture-texts')).toContain('greedy')
  await expect.poll(() => text('score-results')).toContain('median')
  await expect.poll(() => text('pair-panel')).toMatch(/\d+ pairs of \d+ candidates/)
  await expect.poll(() => page.locator('train-results svg').count()).toBeGreaterThan(3)
  await expect.poll(() => text('train-results')).toMatch(/8 steps, [\d.]+ m?s a step, at most [\d.]+ MiB/)
  const looks = page.locator('watched-answers thead th')
  await expect.poll(() => looks.count()).toBe(6) // the picture, before, and four times on the way
  await expect.poll(() => text('watched-answers')).toMatch(/before.*after step 8.*shows \w+/)
  await expect.poll(() => text('evaluate-results')).toMatch(/Captions that invent something: \d/)
})

test('a slider counts at once, and only what follows is run again', { timeout: 5 * MINUTES }, async () => {
  const counted = async (): Promise<number> => Number(/(\d+) pairs of/.exec(await text('pair-panel'))?.[1])
  const before = await counted()
  const slider = page.locator('pair-panel input[type=range]').first()
  await slider.focus()
  for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowRight')
  await expect.poll(counted).toBeLessThan(before)
  const after = await counted()
  const { id: first } = await runState(page)
  await page.getByRole('button', { name: 'Run with these settings' }).click()
  const done = await untilRun(page, ({ id, status }) => id !== first && status === 'done')
  expect(partsOf(done)).toEqual(
    expect.arrayContaining([
      'caption stored',
      'score stored',
      'pair done',
      'train done',
      'evaluate before stored',
      'evaluate after done',
    ]),
  )
  expect(await counted()).toBe(after)
  await expect.poll(() => page.locator('run-list tbody tr').count()).toBe(2)
})

test('a run is opened from the list, with its recipe in the address', { timeout: MINUTES }, async () => {
  const address = page.url()
  await page.getByRole('button', { name: 'Open a run' }).click()
  await expect
    .poll(() => page.locator('#runs').evaluate((one) => one.getBoundingClientRect().top))
    .toBeLessThan(720)
  expect(page.url()).toBe(address)
  await page.locator('run-list tbody tr').nth(1).getByRole('button', { name: 'Open' }).click()
  await expect.poll(() => page.url()).not.toBe(address)
  const opened = await untilRun(page, ({ status }) => status === 'done')
  expect(partsOf(opened)).toContain('evaluate stored')
  await expect.poll(() => text('evaluate-results')).toContain('Captions that invent something')
})

test('two runs are laid side by side: figures, settings that differ, curves', {
  timeout: MINUTES,
}, async () => {
  for (const row of [0, 1])
    await page.locator('run-list tbody tr').nth(row).getByRole('checkbox', { name: 'Compare' }).check()
  await expect.poll(() => text('run-comparison')).toMatch(/CHAIR.*One setting differs.*pair\.minGap/)
  const curves = page.locator('run-comparison .curves')
  await expect.poll(() => curves.locator('.curve svg').count()).toBe(6)
  expect(await curves.locator('.legend li').count()).toBe(2)
  // Beside the first run's, the other's line in every one of them.
  expect(
    await curves
      .locator('.curve')
      .filter({ has: page.locator('[stroke-dasharray="1 3"]') })
      .count(),
  ).toBe(6)
  await page.locator('run-list').getByRole('checkbox', { name: 'Compare' }).first().uncheck()
  await expect.poll(() => page.locator('run-comparison').count()).toBe(0)
})

test('the trained model answers beside the one it was', { timeout: 3 * MINUTES }, async () => {
  await page.getByRole('button', { name: 'Ask both' }).click()
  await expect
    .poll(() => page.locator('try-it answer-text .whole').allInnerTexts(), { timeout: 2 * MINUTES })
    .toEqual([expect.stringMatching(/\w+ \w+/), expect.stringMatching(/\w+ \w+/)])
})

test('the model as it was on its way answers as it did then', { timeout: 4 * MINUTES }, async () => {
  await page.getByRole('button', { name: 'Try it as it was after step 2' }).click()
  await expect.poll(() => page.locator('#try').innerText()).toContain('As it was after step 2.')
  await page.getByRole('button', { name: 'Ask both' }).click()
  const said = page.locator('try-it answer-text .whole')
  await expect
    .poll(() => said.allInnerTexts(), { timeout: 3 * MINUTES })
    .toEqual([expect.stringMatching(/\w+ \w+/), expect.stringMatching(/\w+ \w+/)])
  await expect
    .poll(() => page.getByRole('button', { name: 'Ask both' }).isEnabled(), { timeout: MINUTES })
    .toBe(true)
  // The first held-out picture is the one that is asked about, and the first that training was watched by.
  const looked = await page.locator('watched-answers tbody tr').first().locator('td').nth(1).innerText()
  // Without how a mark is told, and the sign for the token that ends an answer.
  const plain = (text: string): string =>
    text
      .replace(/invented: ?|■/g, '')
      .replace(/\s+/g, ' ')
      .trim()
  expect(plain((await said.allInnerTexts())[1] ?? '')).toBe(plain(looked))
  await page.getByRole('button', { name: 'Back to the finished one' }).click()
  expect(await page.locator('#try').innerText()).not.toContain('As it was after')
})

test('an adapter on the way is measured beside the finished one; nothing before is made anew', {
  timeout: 8 * MINUTES,
}, async () => {
  const { id: finished } = await runState(page)
  await page.getByRole('button', { name: 'Evaluate it as it was after step 2' }).click()
  const done = await untilRun(page, ({ id, status }) => id !== finished && status === 'done', 6 * MINUTES)
  expect(partsOf(done)).toEqual(
    expect.arrayContaining([
      'train stored',
      'evaluate before stored',
      'evaluate after done',
      'evaluate done',
    ]),
  )
  await expect.poll(() => text('evaluate-results')).toContain('as it was after step 2')
  await expect
    .poll(() => text('adapter-evaluations'))
    .toMatch(/after step 2, shown here ?finished.*Hal.*\d+\.\d from \d/)
  await page.getByRole('button', { name: 'Show the evaluation finished' }).click()
  await untilRun(page, ({ id, status }) => id === finished && status === 'done')
  await expect.poll(() => text('adapter-evaluations')).toContain('finished, shown here')
  await expect.poll(() => text('evaluate-results')).not.toContain('as it was after step 2')
})

test('own pictures are read, bad ones passed over, and asked for again after a reload', {
  timeout: 8 * MINUTES,
}, async () => {
  const files = await drawPictures(page, 6)
  const bad = { name: 'bad.png', mimeType: 'image/png', buffer: Buffer.from('no picture') }
  await page.getByLabel('Files or a zip').setInputFiles([...files, bad])
  await expect
    .poll(() => text('start-panel'))
    .toMatch(
      /Found 6 pictures; all that are not kept back are trained on\. ?1 of them is kept back.*figures are of emoji scenes/,
    )
  await page.getByRole('button', { name: 'Run on my pictures' }).click()
  const begun = await untilRun(page, ({ parts }) => parts.some(({ stage }) => stage === 'caption'))
  expect(begun.parts[0]).toMatchObject({ stage: 'dataset', done: 5, detail: '1 passed over' })
  expect(begun.parts.find(({ part }) => part === 'shown')).toMatchObject({ stage: 'dataset', done: 1 })
  await expect.poll(() => text('stage-notes')).toMatch(/1 file passed over.*bad\.png/)
  await page.getByRole('button', { name: 'Stop' }).click()
  await untilRun(page, ({ status }) => status === 'stopped')
  await page.reload()
  await expect.poll(() => text('run-bar')).toContain('choose the same ones again')
  expect(await page.getByRole('button', { name: 'Resume' }).isDisabled()).toBe(true)
  // Others are another run's; the same ones let it go on.
  const { id } = await runState(page)
  await page.getByLabel('Files or a zip').setInputFiles(files.slice(0, 4))
  await expect.poll(() => text('start-panel')).toContain('Found 4 pictures')
  expect((await runState(page)).id).toBeUndefined()
  await page.getByRole('button', { name: 'Open', exact: true }).first().click()
  await untilRun(page, (state) => state.id === id)
  await expect.poll(() => text('run-bar')).toContain('other pictures of your own than those you gave')
  await page
    .getByLabel('Files or a zip')
    .first()
    .setInputFiles([...files, bad])
  await expect.poll(() => page.getByRole('button', { name: 'Resume' }).isEnabled()).toBe(true)
})

test('without WebGPU says what is missing and still opens runs', { timeout: 2 * MINUTES }, async () => {
  const bare = await site.context.newPage()
  await bare.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }))
  await site.visit(undefined, bare)
  await expect
    .poll(() => bare.locator('doctor-card').evaluate((card) => card.shadowRoot?.textContent))
    .toContain('WebGPU is missing')
  await bare
    .locator('run-list')
    .getByRole('row')
    .filter({ hasText: 'done' })
    .first()
    .getByRole('button', { name: 'Open' })
    .click()
  await expect
    .poll(() => bare.locator('evaluate-results').evaluate((one) => one.shadowRoot?.textContent))
    .toContain('Captions that invent something')
  await bare.close()
})
