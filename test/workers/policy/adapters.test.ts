import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FolderSpec } from '../../../src/data/folder.ts'
import type { PolicyClient } from '../../../src/pipeline/client.ts'
import type { AdapterChoice } from '../../../src/workers/policy.api.ts'
import { expectClose } from '../../support/close.ts'
import { openGoldenPolicy } from '../../support/policy.ts'

const images = { name: 'none', files: {} }
const rows = ['near a </s>', 'big tree . </s>', 'dog </s>'].map((completion) => ({
  prompt: '<s> is the dog',
  completion,
}))

let policy: PolicyClient
let adapter: FolderSpec

/** An adapter far from zero: a few steps at a high learning rate. */
async function trained(chosen: string, rejected: string): Promise<FolderSpec> {
  const pairs = [{ prompt: '<s> is the dog', chosen, rejected }]
  const config = { max_steps: 6, learning_rate: 2e-2 }
  const outcome = await policy.train({ rows: pairs, images, config, peft: { r: 4, lora_alpha: 8 } })
  const files = Object.entries(outcome.adapter).map(([name, part]) => [name, new Blob([part])] as const)
  return { name: 'adapter', files: Object.fromEntries(files) }
}

async function logps(choice: AdapterChoice = {}): Promise<number[]> {
  const results = await policy.logps({ rows, images, ...choice })
  return results.flatMap(({ tokenLogps }) => tokenLogps)
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))))

beforeAll(async () => {
  policy = (await openGoldenPolicy()).policy
  adapter = await trained('near a </s>', 'big tree . </s>')
  await policy.loadAdapter('a', adapter)
})
afterAll(() => policy.close())

describe("an adapter's strength", () => {
  test('0 is the model without it, 1 the adapter, and between and beyond lies between and beyond', async () => {
    const base = await logps()
    const whole = await logps({ adapter: 'a' })
    expect(await logps({ adapter: 'a', strength: 0 })).toEqual(base)
    expect(await logps({ adapter: 'a', strength: 1 })).toEqual(whole)
    expect(distance(base, whole)).toBeGreaterThan(0.1)
    const far = await Promise.all([0.5, 1, 1.5].map((strength) => logps({ adapter: 'a', strength })))
    const distances = far.map((values) => distance(base, values))
    expect(distances).toEqual([...distances].sort((a, b) => a - b))
    expect(new Set(distances).size).toBe(3)
  })

  test('acts on answers as well', async () => {
    const write = async (strength: number): Promise<string | undefined> => {
      const requests = [{ images: [], prompt: '<s> is the dog' }]
      return (await policy.generate({ requests, adapter: 'a', strength, maxNewTokens: 8 }))[0]?.text
    }
    const requests = [{ images: [], prompt: '<s> is the dog' }]
    const [base] = await policy.generate({ requests, maxNewTokens: 8 })
    expect(await write(0)).toBe(base?.text)
    expect(await write(1)).not.toBe(base?.text)
  })

  test('must be a number', async () => {
    const error: unknown = await logps({ adapter: 'a', strength: Number.NaN }).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'RangeError', message: 'strength: expected a number, got NaN' })
  })
})

describe('merging', () => {
  test.each([1, 0.5])(
    'at strength %d equals the adapter unmerged, and unmerging gives the model back',
    async (s) => {
      const base = await logps()
      const wanted = await logps({ adapter: 'a', strength: s })
      await policy.mergeAdapter('a', s)
      expect(await policy.adapters()).toContainEqual({ name: 'a', isMerged: true })
      const merged = await logps()
      expectClose(merged, wanted, 'decoder', 'merged')
      await policy.unmergeAdapter('a')
      const again = await logps()
      expectClose(again, base, 'decoder', 'unmerged')
      expect(() => expectClose(merged, base, 'decoder')).toThrow('relative error')
    },
  )

  test('is refused where it would make something wrong', async () => {
    await policy.mergeAdapter('a')
    await expect(policy.mergeAdapter('a')).rejects.toThrow('adapter a: expected one that is not merged')
    await expect(policy.unloadAdapter('a')).rejects.toThrow('unmerge it first')
    await expect(policy.loadAdapter('a', adapter)).rejects.toThrow('unmerge it first')
    const training = policy.train({ rows, images, config: {}, peft: {} })
    await expect(training).rejects.toThrow('expected the weights as they were loaded, got a merged')
    await policy.unmergeAdapter('a')
    await expect(policy.unmergeAdapter('a')).rejects.toThrow('expected one of the merged adapters (none)')
  })
})

describe('several adapters', () => {
  test('stay resident beside each other until they are unloaded, each with its own effect', async () => {
    const other = await trained('big tree . </s>', 'near a </s>')
    const base = await logps()
    const aAlone = await logps({ adapter: 'a' })
    await policy.unloadAdapter('a')
    await policy.loadAdapter('b', other)
    const bAlone = await logps({ adapter: 'b' })
    for (const [one, another] of [
      [base, aAlone],
      [base, bAlone],
      [aAlone, bAlone],
    ] as const)
      expect(distance(one, another)).toBeGreaterThan(0.1)
    await policy.loadAdapter('a', adapter)
    expect((await policy.adapters()).map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']))
    const together = ['a', 'b', undefined, 'b', 'a'].map((name) => logps(name ? { adapter: name } : {}))
    expect(await Promise.all(together)).toEqual([aAlone, bAlone, base, bAlone, aAlone])
    await policy.unloadAdapter('b')
    expect(await logps({ adapter: 'a' })).toEqual(aAlone)
    await expect(logps({ adapter: 'b' })).rejects.toThrow('adapter b: expected one of the resident adapters')
    await expect(policy.unloadAdapter('b')).rejects.toThrow('expected one of the resident adapters')
  })

  test('one that is unloaded while it answers goes when it has answered', async () => {
    await policy.loadAdapter('c', adapter)
    const job = { requests: [{ images: [], prompt: '<s> is the dog', candidates: 2 }], maxNewTokens: 12 }
    const expected = await policy.generate({ ...job, adapter: 'c' })
    let unloaded: Promise<void> | undefined
    const answers = await policy.generate({ ...job, adapter: 'c' }, () => {
      unloaded ??= policy.unloadAdapter('c').then(() => policy.loadAdapter('d', adapter))
    })
    await unloaded
    expect(answers).toEqual(expected)
    await policy.unloadAdapter('d')
  })
})
