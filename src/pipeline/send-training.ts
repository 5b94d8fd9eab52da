import type { TrainEvent, TrainJob, TrainOutcome } from '../workers/policy.api.ts'
import type { PolicyClient } from './client.ts'

/** A training's end; its files have been sent. */
export type TrainingEnd = Pick<TrainOutcome, 'status' | 'step' | 'totalSteps' | 'ailment'>

/** What is told while a training is sent away; JSON alone. */
export type SentTrainingEvent =
  | { readonly kind: 'saved'; readonly step: number }
  | Exclude<TrainEvent, { kind: 'checkpoint' }>

/** Files a training sends. */
export const TRAINING_FILES = {
  config: 'adapter_config.json',
  weights: 'adapter_model.safetensors',
  checkpoint: 'checkpoint.safetensors',
  /** Folder of the adapter that was well before training went wrong. */
  lastGood: 'last-good',
} as const

/**
 * Trains and sends checkpoints as they come, and the adapter. A checkpoint that cannot be sent ends the training in order,
 * before more is lost; what there is by then is sent all the same.
 * @throws what sending throws, where that broke the training off or the adapter is not sent.
 */
export async function trainAndSend(
  policy: Pick<PolicyClient, 'train' | 'stop'>,
  job: TrainJob,
  send: (path: string, body: string | Uint8Array<ArrayBuffer>) => Promise<void>,
  report: (event: SentTrainingEvent) => void,
): Promise<TrainingEnd> {
  /** One after the other, so that an older checkpoint never overwrites a newer one. */
  let sending = Promise.resolve()
  let failure: { readonly reason: unknown } | undefined
  const save = (step: number, file: Uint8Array<ArrayBuffer>): void => {
    sending = sending.then(async () => {
      try {
        await send(TRAINING_FILES.checkpoint, file)
        report({ kind: 'saved', step })
      } catch (reason) {
        failure ??= { reason }
        await policy.stop().catch(() => {}) // the training's own end tells what became of it
      }
    })
  }
  const outcome = await policy.train(job, (event) => {
    if (event.kind === 'checkpoint') save(event.step, event.file)
    else report(event)
  })
  const { status, step, totalSteps, ailment, adapter } = outcome
  if (status !== 'done') save(step, outcome.checkpoint)
  await sending
  if (status === 'stopped') {
    if (failure) throw failure.reason
  } else {
    const folder = status === 'unhealthy' ? `${TRAINING_FILES.lastGood}/` : ''
    await send(folder + TRAINING_FILES.weights, adapter['adapter_model.safetensors'])
    await send(folder + TRAINING_FILES.config, adapter['adapter_config.json'])
  }
  return { status, step, totalSteps, ...(ailment ? { ailment } : {}) }
}
