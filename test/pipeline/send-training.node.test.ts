import { describe, expect, test } from 'vitest'
import { type SentTrainingEvent, trainAndSend } from '../../src/pipeline/send-training.ts'
import { StorageFullError } from '../../src/store/errors.ts'
import type { TrainEvent, TrainJob, TrainOutcome } from '../../src/workers/policy.api.ts'

const TOTAL = 10
const bytes = (step: number) => Uint8Array.of(step)

/** A training whose steps each leave a checkpoint, and where its files go. */
function setUp({ fails, stops = true }: { fails: (path: string, sent: number) => boolean; stops?: boolean }) {
  let isStopped = false
  let sent = 0
  const files = new Map<string, unknown>()
  const events: SentTrainingEvent[] = []
  const policy = {
    async stop() {
      isStopped = stops
    },
    async train(_: TrainJob, onEvent?: (event: TrainEvent) => void): Promise<TrainOutcome> {
      let step = 0
      while (step < TOTAL && !isStopped) {
        step++
        onEvent?.({ kind: 'checkpoint', step, file: bytes(step) })
        await new Promise((resolve) => setTimeout(resolve))
      }
      return {
        status: step < TOTAL ? 'stopped' : 'done',
        step,
        totalSteps: TOTAL,
        adapter: { 'adapter_config.json': '{}', 'adapter_model.safetensors': bytes(step) },
        checkpoint: bytes(step),
      }
    },
  }
  const send = async (path: string, body: unknown): Promise<void> => {
    if (fails(path, sent++)) throw new StorageFullError(`${path}: no room`)
    files.set(path, body)
  }
  const job = { config: {}, images: { name: 'none', files: {} } }
  const result = trainAndSend(policy, job, send, (event) => events.push(event))
  return { result, files, events }
}

const isCheckpoint = (path: string) => path === 'checkpoint.safetensors'

describe('a training that is sent away', () => {
  test('leaves its last checkpoint and the adapter', async () => {
    const { result, files, events } = setUp({ fails: () => false })
    expect(await result).toEqual({ status: 'done', step: TOTAL, totalSteps: TOTAL })
    expect([...files.keys()].sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'checkpoint.safetensors',
    ])
    expect(events).toContainEqual({ kind: 'saved', step: TOTAL })
  })

  test('ends in order where a checkpoint finds no room, and tries to leave the state it ended in', async () => {
    const once = setUp({ fails: (_, sent) => sent === 2 })
    await expect(once.result).rejects.toThrow(StorageFullError)
    const [last] = once.files.get('checkpoint.safetensors') as Uint8Array
    expect(last).toBeGreaterThanOrEqual(3)
    expect(last).toBeLessThan(TOTAL)
    const full = setUp({ fails: (_, sent) => sent >= 2 })
    await expect(full.result).rejects.toThrow(StorageFullError)
    expect(full.files.get('checkpoint.safetensors')).toEqual(bytes(2))
  })

  test('that is done leaves its adapter though checkpoints could not be sent', async () => {
    const { result, files } = setUp({ fails: isCheckpoint, stops: false })
    expect((await result).status).toBe('done')
    expect(files.get('adapter_model.safetensors')).toEqual(bytes(TOTAL))
  })

  test('fails where the adapter cannot be sent', async () => {
    const { result } = setUp({ fails: (path) => !isCheckpoint(path) })
    await expect(result).rejects.toThrow('adapter_model.safetensors: no room')
  })
})
