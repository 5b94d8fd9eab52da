import type { Gpu } from '../../src/gpu/gpu.ts'
import type { ModelConfig } from '../../src/models/config.ts'
import { adapterLayout, initialAdapter } from '../../src/models/decoder/adapter.ts'
import { packSequences } from '../../src/models/decoder/batch.ts'
import type { Decoder } from '../../src/models/decoder/decoder.ts'
import { DpoTrainer, type TokenPair } from '../../src/models/decoder/trainer.ts'
import { LORA, trainerConfig } from './setup.ts'

/** A LoRA-DPO step of this project. */
export interface OwnStep {
  readonly trainer: DpoTrainer
  /** Rows of a packed batch. */
  readonly rows: number
  /** Records a step. @returns its loss, once it is done. */
  step(): Promise<number>
  release(): void
}

export async function ownStep(
  gpu: Gpu,
  decoder: Decoder,
  model: ModelConfig,
  given: readonly TokenPair[],
  {
    share = true,
    steps = 100_000,
    reference = 'once',
  }: {
    share?: boolean
    steps?: number
    /** Computed before the first step, or inside every step as well, as a trainer without its cache would do it. Default once. */
    reference?: 'once' | 'every step'
  } = {},
): Promise<OwnStep> {
  const { hiddenSize, vocabSize } = model.decoder
  const layout = adapterLayout(model, LORA)
  const pack = { imageTokenId: model.imageTokenId, hiddenSize, vocabSize }
  const trainer = await DpoTrainer.create(
    gpu,
    decoder,
    { config: trainerConfig(steps, given.length), layout, pairs: given, pack, share, shuffle: false },
    initialAdapter(layout, 1),
  )
  const packed = packSequences(
    given.flatMap(({ prefix, chosen, rejected }) => [
      { prefix, answer: chosen },
      { prefix, answer: rejected },
    ]),
    { ...pack, share, maxPositions: decoder.maxPositions },
  )
  const workspace = reference === 'once' ? undefined : decoder.workspace(trainer.largestBatch)
  await trainer.computeReference()
  return {
    trainer,
    rows: packed.ids.length,
    async step() {
      if (workspace) decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
      const { loss } = await trainer.trainStep()
      return loss
    },
    release() {
      workspace?.release()
      trainer.release()
    },
  }
}
