import { expect, test } from 'vitest'
import { PROMPTS } from '../../bench/traps/habit-scenes.ts'
import { fooled } from '../../bench/traps/traps.ts'
import { loadNounFinder } from '../../src/method/nouns.ts'
import { openPolicy } from '../../src/pipeline/client.ts'
import { TRAPS } from '../../src/ui/scene/traps.ts'
import { loadSceneWorld } from '../../src/ui/scene/world.ts'

const SITE = new URL('/', location.href).href

/** Another adapter may write another word now and then. */
const LEAST_SHARE = 0.9

test('the traps that are offered fool the embedded model, whatever it is asked', async () => {
  // When this fails the model is another one: count again with `npm run bench -- traps --adapter out/smoke/adapter`.
  expect(TRAPS.prompts).toEqual(PROMPTS)
  const client = openPolicy()
  await client.load({ url: new URL('models/emoji-llava', SITE).href })
  const found = await fooled(
    client,
    await loadNounFinder(),
    await loadSceneWorld(SITE),
    TRAPS.traps,
    TRAPS.traps.map(({ invented }) => invented),
  )
  client.close()
  const share = found.reduce((sum, count) => sum + count, 0) / (TRAPS.traps.length * PROMPTS.length)
  expect(share, JSON.stringify(found)).toBeGreaterThan(LEAST_SHARE)
}, 120_000)
