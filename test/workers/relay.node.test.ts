import { releaseProxy } from 'comlink'
import { describe, expect, test } from 'vitest'
import { relayed } from '../../src/workers/relay.ts'

/** A function on the other side: what it was sent arrives late, and it notes what happens. */
function farFunction(notes: string[], fail?: number) {
  const call = async (value: number): Promise<void> => {
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
    if (value === fail) throw new Error(`no ${value}`)
    notes.push(`got ${value}`)
  }
  return Object.assign(call, { [releaseProxy]: () => notes.push('released') })
}

describe('a function on the other side', () => {
  test('has all that was sent before the result comes, and is let go', async () => {
    const notes: string[] = []
    const result = await relayed(farFunction(notes), async (send) => {
      send(1)
      send(2)
      return 'done'
    })
    notes.push(result)
    expect(notes).toEqual(['got 1', 'got 2', 'released', 'done'])
  })

  test('is let go as well when the work fails, after what was sent', async () => {
    const notes: string[] = []
    const work = relayed(farFunction(notes), async (send) => {
      send(1)
      throw new Error('broken off')
    })
    await expect(work).rejects.toThrow('broken off')
    expect(notes).toEqual(['got 1', 'released'])
  })

  test('makes the work fail when it fails itself', async () => {
    const notes: string[] = []
    const work = relayed(farFunction(notes, 1), async (send) => {
      send(1)
      send(2)
    })
    await expect(work).rejects.toThrow('no 1')
    expect(notes).toContain('released')
  })

  test('may be missing', async () => {
    expect(await relayed(undefined, async (send: (value: number) => void) => send(1))).toBeUndefined()
  })
})
