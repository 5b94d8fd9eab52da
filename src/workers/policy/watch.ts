import { writeAdapter } from '../../data/peft.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { type AdapterLayout, unpackAdapter } from '../../models/decoder/adapter.ts'
import type { Generator } from '../../models/decoder/generator.ts'
import type { DpoTrainer } from '../../models/decoder/trainer.ts'
import type { PolicyModel } from '../../models/policy-model.ts'
import type { TrainEvent, WatchSettings } from '../policy.api.ts'
import { encodeRequests } from './requests.ts'

export type Watched = Extract<TrainEvent, { kind: 'watched' }>

/** Steps at which a training is watched: before the first, after the last, and evenly apart between. */
export function watchedSteps(totalSteps: number, times: number): ReadonlySet<number> {
  return new Set(Array.from({ length: times + 1 }, (_, i) => Math.round((i * totalSteps) / times)))
}

/**
 * Answers greedily with the adapter as a training has made it so far. Called between two steps, it computes from the very
 * parameters that the step before left and writes to none of the training's tensors: with it or without, the training's
 * result is the same, bit for bit.
 */
export async function openWatch(
  { gpu, policy, generator }: { gpu: Gpu; policy: PolicyModel; generator: Generator },
  layout: AdapterLayout,
  trainer: DpoTrainer,
  { requests, times, maxNewTokens = 256 }: WatchSettings,
  signal: AbortSignal,
): Promise<(step: number) => Promise<Watched | undefined>> {
  const { encoder } = policy
  const steps = watchedSteps(trainer.plan.totalSteps, times)
  const encoded = await encodeRequests(encoder, requests, signal)
  return async (step) => {
    if (!steps.has(step)) return undefined
    const generations = await generator.generate(
      encoded.map(({ request }) => request),
      { temperature: 0, maxNewTokens, stopTokens: encoder.stopTokens },
      { adapter: { params: trainer.params, strength: 1 }, signal },
    )
    const params = await gpu.readF32(trainer.params.flat)
    return {
      kind: 'watched',
      step,
      answers: generations.map(({ tokens }) => encoder.decodeText(tokens)),
      adapter: writeAdapter(layout.config, unpackAdapter(layout, params)),
    }
  }
}
