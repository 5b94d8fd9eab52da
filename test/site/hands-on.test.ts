import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PairEdit } from '../../src/method/pair-edits.ts'
import {
  dropFiles,
  MINUTES,
  type OpenSite,
  openSite,
  partsOf,
  runState,
  TINIEST,
  textWithin,
  untilRun,
} from '../support/site.ts'

// What a visitor does by hand with a run that has ended; every test goes on where the one before it ended.

/** A picture for a camera, and nobody who has to allow it. */
const CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite({ flags: CAMERA })
  page = await site.visit(TINIEST)
  await page.getByRole('button', { name: 'Start' }).click()
  await untilRun(page, ({ status }) => status === 'done', 10 * MINUTES)
}, 15 * MINUTES)
afterAll(() => site.close())

const text = (selector: string): Promise<string> => textWithin(page, selector)

describe('pairs by hand', () => {
  const editsInRecipe = async (): Promise<PairEdit[]> =>
    await page.evaluate(() => {
      const { model } = document.querySelector('app-page') as unknown as {
        model: { recipe: { pair: { edits?: PairEdit[] } } }
      }
      return model.recipe.pair.edits ?? []
    })
  const counted = async (): Promise<number> => Number(/(\d+) pairs of/.exec(await text('pair-panel'))?.[1])

  test('are struck out, flipped and added in the recipe, and counted at once', {
    timeout: 2 * MINUTES,
  }, async () => {
    const before = await counted()
    await page.getByText(/pairs this run made/).click()
    await page
      .getByRole('button', { name: /^Strike out:/ })
      .first()
      .click()
    await page
      .getByRole('button', { name: /^Flip:/ })
      .first()
      .click()
    await expect.poll(counted).toBe(before - 1)
    await page.getByText('Edit a picture’s pairs, or add one').click()
    const editor = page.locator('pair-editor')
    await editor.getByRole('group', { name: 'Add a pair' }).waitFor()
    // The worst over the best: no rule makes that.
    await editor
      .getByRole('radio', { name: /^chosen:/ })
      .last()
      .check()
    await editor
      .getByRole('radio', { name: /^rejected:/ })
      .first()
      .check()
    await editor.getByRole('button', { name: 'Add this pair' }).click()
    await expect.poll(counted).toBe(before)
    expect((await editsInRecipe()).map(({ edit }) => edit)).toEqual(['strike', 'flip', 'add'])
    await expect.poll(() => text('pair-panel')).toMatch(/by hand.*1 removed, 1 flipped, 1 added/)
    // One is undone, and done again.
    await page
      .locator('pair-edits-list')
      .getByRole('button', { name: /^Undo: Added/ })
      .click()
    await expect.poll(counted).toBe(before - 1)
    await editor.getByRole('button', { name: 'Add this pair' }).click()
    await expect.poll(counted).toBe(before)
  })

  test('are what the next run trains on; only pairs and what follows are made anew', {
    timeout: 10 * MINUTES,
  }, async () => {
    const { id: first } = await runState(page)
    const edits = await editsInRecipe()
    const expected = await counted()
    await page.getByRole('button', { name: 'Run with these settings' }).click()
    const done = await untilRun(page, ({ id, status }) => id !== first && status === 'done', 8 * MINUTES)
    expect(partsOf(done)).toEqual(
      expect.arrayContaining([
        'caption stored',
        'score stored',
        'pair done',
        'train done',
        'evaluate before stored',
      ]),
    )
    const pairs = await page.evaluate(async (id) => {
      const { model } = document.querySelector('app-page') as unknown as {
        model: { runner: { file(id: string, path: string): Promise<Blob> } }
      }
      return (await (await model.runner.file(id, 'pairs.jsonl')).text()).trim().split('\n')
    }, done.id ?? '')
    const made = pairs.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(made).toHaveLength(expected)
    const [strike, flip, add] = edits as [PairEdit, PairEdit, PairEdit]
    const said = (message: unknown): string => (message as { content: string }[])[0]?.content ?? ''
    const has = (imageHash: string, chosen: string, rejected: string): boolean =>
      made.some(
        (pair) =>
          String(pair.images).includes(imageHash) &&
          said(pair.chosen) === chosen.trim() &&
          said(pair.rejected) === rejected.trim(),
      )
    expect(has(strike.imageHash, strike.chosen, strike.rejected)).toBe(false)
    expect(has(flip.imageHash, flip.rejected, flip.chosen)).toBe(true)
    expect(has(add.imageHash, add.chosen, add.rejected)).toBe(true)
  })

  test('come back with the link that carries the recipe', { timeout: MINUTES }, async () => {
    const edits = await editsInRecipe()
    await page.reload()
    await untilRun(page, ({ status }) => status === 'done')
    expect(await editsInRecipe()).toEqual(edits)
    await expect.poll(() => text('pair-edits-list')).toContain('3 edits by hand')
  })
})

describe('try it', () => {
  const tryIt = () => page.locator('try-it')
  const answers = async (): Promise<string[]> =>
    (await tryIt().locator('answer-text .whole').allTextContents()).map((said) => said.trim())
  const ask = async (): Promise<void> => {
    await tryIt().getByRole('button', { name: 'Ask both' }).click()
    await expect.poll(answers, { timeout: 3 * MINUTES }).toHaveLength(2)
  }

  test('marks a held-out picture’s answers and tells by keyboard how likely each word was', {
    timeout: 5 * MINUTES,
  }, async () => {
    await ask()
    expect(await tryIt().locator('answer-text').first().locator('ins, del').count()).toBeGreaterThan(0)
    const detail = tryIt().locator('answer-text .detail').first()
    await tryIt()
      .getByRole('group', { name: /^As it was, word by word/ })
      .focus()
    const first = await detail.innerText()
    expect(first).toMatch(/\d%/)
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => detail.innerText()).not.toBe(first)
  })

  test('is stopped while the model is loaded or answers, and asks again at another strength', {
    timeout: 5 * MINUTES,
  }, async () => {
    await page.reload() // the model is no longer there
    await untilRun(page, ({ status }) => status === 'done')
    const button = (name: string) => tryIt().getByRole('button', { name })
    await button('Ask both').click()
    await button('Stop').click()
    await ask()
    await button('Ask both').click()
    await button('Stop').click()
    await button('Ask both').waitFor()
    expect(await tryIt().getByRole('alert').count()).toBe(0)
    await button('Ask both').click()
    await tryIt().getByRole('slider').press('ArrowRight')
    await tryIt().getByRole('heading', { name: 'After training, strength 1.05' }).waitFor()
    await expect.poll(answers, { timeout: 3 * MINUTES }).toHaveLength(2)
    expect(await tryIt().getByRole('alert').count()).toBe(0)
  })

  test('asks whatever the visitor writes', { timeout: 3 * MINUTES }, async () => {
    const prompt = tryIt().getByRole('textbox', { name: 'Prompt' })
    const described = await prompt.inputValue()
    await prompt.fill('Is there a dog in this image?')
    await prompt.press('Enter')
    const yesOrNo = expect.stringMatching(/^(yes|no)\b/i)
    await expect.poll(answers, { timeout: 2 * MINUTES }).toEqual([yesOrNo, yesOrNo])
    await prompt.fill(described)
    await prompt.press('Enter')
    const caption = expect.stringMatching(/^(?!(yes|no)\b)\w+ \w+/i)
    await expect.poll(answers, { timeout: 2 * MINUTES }).toEqual([caption, caption])
  })

  test('asks about a picture of one’s own, dropped or from the camera, of which nothing is known', {
    timeout: 5 * MINUTES,
  }, async () => {
    const answered = async (name: string): Promise<void> => {
      await tryIt().getByRole('img', { name, exact: true }).waitFor()
      await tryIt()
        .getByRole('button', { name: 'Ask both' })
        .waitFor({ timeout: 2 * MINUTES })
      expect(await answers()).toEqual([expect.stringMatching(/\w+ \w+/), expect.stringMatching(/\w+ \w+/)])
      expect(await tryIt().locator('answer-text').locator('ins, del').count()).toBe(0)
    }
    await dropFiles(tryIt().locator('.whole').first(), 'test/goldens/image-datasets/images/plain.png')
    await answered('plain.png')
    await tryIt().getByText('The page’s own model knows emoji scenes only.').waitFor()
    await tryIt().getByRole('button', { name: 'Use the camera' }).click()
    const seen = tryIt().locator('video')
    await expect
      .poll(() => seen.evaluate((video) => (video as HTMLVideoElement).videoWidth))
      .toBeGreaterThan(0)
    await tryIt().getByRole('button', { name: 'Take the picture' }).click()
    await answered('camera.jpg')
  })

  test('a scene is made by dragging and by keyboard, and what is invented about it is marked', {
    timeout: 5 * MINUTES,
  }, async () => {
    await tryIt().getByText('Make a scene').click()
    const maker = page.locator('scene-maker')
    const stage = maker.getByRole('group', { name: 'The picture' })
    await stage.waitFor()
    await maker.getByRole('button', { name: 'Clear' }).click()
    await maker.getByRole('status').getByText('Nothing is in it yet.').waitFor()

    const cup = maker.getByRole('button', { name: 'add cup' })
    await cup.scrollIntoViewIfNeeded()
    const [from, to] = [await cup.boundingBox(), await stage.boundingBox()]
    if (!from || !to) throw new Error('expected the cup and the stage in sight')
    await page.mouse.move(from.x + 20, from.y + 20)
    await page.mouse.down()
    await page.mouse.move(from.x, from.y - 40, { steps: 3 })
    await page.mouse.move(to.x + 0.75 * to.width, to.y + 0.75 * to.height, { steps: 5 })
    await page.mouse.up()
    await expect.poll(() => stage.getByRole('button').count()).toBe(1)
    await maker.getByRole('button', { name: 'cup, bottom right', exact: true }).waitFor()

    await maker.getByRole('button', { name: 'add banana' }).press('Enter')
    await maker.getByRole('status').getByText('In it: cup, banana.').waitFor()
    await page.keyboard.press('Shift+ArrowLeft')
    await page.keyboard.press('Shift+ArrowLeft')
    await page.keyboard.press('Shift+ArrowLeft')
    await stage.getByRole('button', { name: /^banana, .*left$/ }).waitFor()

    await ask()
    const nouns = await tryIt()
      .locator('answer-text')
      .first()
      .evaluate((one) =>
        [...(one.shadowRoot?.querySelectorAll('ins, del') ?? [])].map((mark) => ({
          isGrounded: mark.tagName === 'INS',
          noun: [...mark.querySelectorAll('[data-token]')].map(({ textContent }) => textContent).join(''),
        })),
      )
    expect(nouns.length).toBeGreaterThan(0)
    // The truth is known: these two are in it, and nothing else.
    for (const { noun, isGrounded } of nouns) expect(isGrounded, noun).toBe(/^(cups?|bananas?)$/.test(noun))
    // What is said is no longer true of another scene.
    await stage.getByRole('button', { name: /^banana/ }).press('Delete')
    await expect.poll(answers).toEqual([])
  })
})

describe('models', () => {
  const panel = () => page.locator('models-panel')

  test('from a folder take the embedded one’s place; what they have made already is known by their content', {
    timeout: 10 * MINUTES,
  }, async () => {
    const { id: first } = await runState(page)
    await page.getByRole('button', { name: 'use a real model' }).click()
    await panel().getByText('or a folder on this computer').waitFor()
    await panel().getByLabel('or a folder on this computer').setInputFiles('public/models/emoji-llava')
    await expect.poll(() => text('model-finder')).toContain('emoji-llava: LlavaForConditionalGeneration')
    await panel().getByRole('button', { name: 'Use it in the recipe' }).click()
    await page.getByRole('button', { name: 'Run with these settings' }).click()
    const done = await untilRun(page, ({ id, status }) => id !== first && status === 'done', 8 * MINUTES)
    // The same files are the same model; only the layers that are trained are chosen anew.
    expect(partsOf(done)).toEqual(
      expect.arrayContaining(['caption stored', 'score stored', 'pair stored', 'train done']),
    )
    await page.reload()
    await expect.poll(() => text('run-bar')).toContain('choose its folder again')
  })

  test('that are kept are told, and deleted when asked to', { timeout: 2 * MINUTES }, async () => {
    await expect.poll(() => text('kept-models')).toMatch(/emoji-llava ?\d+ files/)
    await panel().getByRole('button', { name: 'Delete emoji-llava' }).click()
    await panel().getByRole('button', { name: 'Delete it' }).click()
    await expect.poll(() => panel().getByRole('button', { name: 'Delete emoji-llava' }).count()).toBe(0)
    await expect.poll(() => text('kept-models')).toMatch(/emoji-clip ?\d+ files/)
  })
})
