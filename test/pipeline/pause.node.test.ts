import { expect, test } from 'vitest'
import type { PolicyClient } from '../../src/pipeline/client.ts'
import { PauseSwitch, pausablePolicy } from '../../src/pipeline/pause.ts'
import type { Answer } from '../../src/workers/policy.api.ts'

const settle = () => new Promise((resolve) => setTimeout(resolve))

test('a gate is open, holds while paused, and lets all go at once', async () => {
  const pause = new PauseSwitch()
  const { signal } = new AbortController()
  await pause.gate(signal)
  pause.pause()
  let passed = 0
  const waiting = [1, 2].map(() => pause.gate(signal).then(() => passed++))
  await settle()
  expect(passed).toBe(0)
  pause.resume()
  await Promise.all(waiting)
  expect(passed).toBe(2)
})

test('a paused run can be cancelled', async () => {
  const pause = new PauseSwitch()
  const controller = new AbortController()
  pause.pause()
  const waiting = pause.gate(controller.signal)
  controller.abort(new DOMException('stopped', 'AbortError'))
  await expect(waiting).rejects.toThrow('stopped')
  await expect(pause.gate(controller.signal)).rejects.toThrow('stopped')
})

/** A policy that notes what it is told; its job ends when `finish` is called. */
function told() {
  const calls: string[] = []
  let finish = (): void => {}
  const client = {
    generate: () => {
      calls.push('generate')
      return new Promise<Answer[]>((resolve) => {
        finish = () => resolve([])
      })
    },
    pause: async () => void calls.push('pause'),
    resume: async () => void calls.push('resume'),
  }
  return { client: client as unknown as PolicyClient, calls, finish: () => finish() }
}

test('a pause holds a policy’s job under way, and the next before it begins', async () => {
  const pause = new PauseSwitch()
  const { client, calls, finish } = told()
  const policy = pausablePolicy(client, pause, new AbortController().signal)
  const first = policy.generate({ requests: [] })
  await settle()
  pause.pause()
  pause.pause()
  expect(calls).toEqual(['generate', 'pause'])
  pause.resume()
  finish()
  await first
  pause.pause()
  const second = policy.generate({ requests: [] })
  await settle()
  expect(calls).toEqual(['generate', 'pause', 'resume'])
  pause.resume()
  await settle()
  expect(calls.at(-1)).toBe('generate')
  finish()
  await second
})
