import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RecipeAddress } from '../../src/ui/recipe-address.ts'
import { recipeOfFragment } from '../../src/ui/recipe-link.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function makeAddress(refused = 0) {
  const written: string[] = []
  let left = refused
  const address = new RecipeAddress((fragment) => {
    if (left-- > 0) throw new DOMException('too many', 'SecurityError')
    written.push(fragment)
  })
  const recipes = async () =>
    await Promise.all(written.map(async (fragment) => (await recipeOfFragment(fragment))?.recipe))
  return { address, written, recipes }
}

/** What has been begun ends. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('of many recipes one after the other the last alone comes into the address', async () => {
  const { address, recipes } = makeAddress()
  for (let i = 0; i < 200; i++) {
    address.put({ i })
    vi.advanceTimersByTime(20)
  }
  await settled()
  expect(await recipes()).toEqual([])
  vi.advanceTimersByTime(500)
  await expect.poll(recipes).toEqual([{ i: 199 }])
})

test('an older one that is still being packed does not come after a newer', async () => {
  const { address, recipes } = makeAddress()
  address.put({ i: 1 })
  vi.advanceTimersByTime(500) // it is being packed
  await address.putNow({ i: 2 })
  await settled()
  expect(await recipes()).toEqual([{ i: 2 }])
})

test('what the browser refuses is tried again later', async () => {
  const { address, recipes } = makeAddress(1)
  await address.putNow({ i: 1 })
  expect(await recipes()).toEqual([])
  vi.advanceTimersByTime(10_000)
  await expect.poll(recipes).toEqual([{ i: 1 }])
})

test('a link that is followed meanwhile is left alone', async () => {
  const { address, recipes } = makeAddress()
  address.put({ i: 1 })
  address.drop()
  vi.advanceTimersByTime(60_000)
  await settled()
  expect(await recipes()).toEqual([])
})
