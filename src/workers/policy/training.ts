import { transfer } from 'comlink'
import { openFile, openFolder } from '../../data/folder.ts'
import { parseLoraConfig, writeAdapter } from '../../data/peft.ts'
import { readPreferences } from '../../data/preference.ts'
import { sha256 } from '../../data/sha256.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { planSteps } from '../../method/schedule.ts'
import { parseTrainerConfig, type TrainerConfig } from '../../method/trainer-config.ts'
import { type ReadAdapter, readAdapter } from '../../models/adapter-files.ts'
import type { ModelConfig } from '../../models/config.ts'
import {
  type AdapterLayout,
  adapterLayout,
  initialAdapter,
  unpackAdapter,
} from '../../models/decoder/adapter.ts'
import type { Generator } from '../../models/decoder/generator.ts'
import type { Recompute } from '../../models/decoder/memory-plan.ts'
import { DpoTrainer } from '../../models/decoder/trainer.ts'
import {
  type RunKey,
  readTrainingCheckpoint,
  writeTrainingCheckpoint,
} from '../../models/decoder/training-checkpoint.ts'
import { trainingRows } from '../../models/decoder/training-rows.ts'
import { runTraining } from '../../models/decoder/training-run.ts'
import type { PolicyModel } from '../../models/policy-model.ts'
import { encodePairs, hashRun } from '../../models/training-pairs.ts'
import { StoredReference } from '../../store/references.ts'
import type { Job } from '../job.ts'
import type { ReadImage, TrainEvent, TrainJob, TrainOutcome } from '../policy.api.ts'
import type { ResidentAdapters } from './adapters.ts'
import { openDataset } from './dataset.ts'
import { memoryReport } from './memory.ts'
import { openWatch } from './watch.ts'

/** The name under which the adapter being trained, or trained last, answers. */
export const TRAINING = 'training'

/** A checkpoint of up to so many bytes is taken after every step: little beside the step itself. */
const SMALL_CHECKPOINT_BYTES = 2 ** 24

interface Trained {
  readonly gpu: Gpu
  readonly generator: Generator
  readonly policy: PolicyModel
  readonly adapters: ResidentAdapters
  /** As the model was loaded. */
  readonly recompute: Recompute
}

/** Trains an adapter from a job's pairs and settings, to the end, to a stop or to ill health. */
export async function trainPolicy(
  { gpu, policy, generator, adapters, recompute }: Trained,
  job: TrainJob,
  running: Job,
  onEvent: (event: TrainEvent) => void,
  readImage?: ReadImage,
): Promise<TrainOutcome> {
  const { signal } = running
  const { shuffle = true } = job
  const config = parseTrainerConfig(job.config)
  const { layout, params } = await startingAdapter(job, policy.config, config.seed, signal)
  const { source, open } = await openDataset(job, signal, readImage)
  const bounds = { maxLength: config.max_length, maxPositions: policy.decoder.maxPositions }
  const { pairs, features } = await encodePairs(
    policy.encoder,
    readPreferences(source, signal),
    open,
    bounds,
    { signal, onProgress: (done, dropped) => onEvent({ kind: 'pairs', done, dropped }) },
  )
  const run: RunKey = {
    settings: JSON.stringify(config),
    peft: JSON.stringify(layout.config),
    shuffle: String(shuffle),
    model: JSON.stringify(policy.config),
    checkpoint: policy.hash,
    weights: policy.decoder.weights.format,
    images: policy.encoder.imagesHash ?? 'none',
    ...(await hashRun(pairs, params)),
  }
  const start = job.checkpoint
    ? await readTrainingCheckpoint(await openFile(job.checkpoint, signal), run, signal)
    : params
  const { hiddenSize, vocabSize } = policy.decoder.config
  const { imageTokenId } = policy.config
  const steps = planSteps(config, pairs.length)
  const rows = trainingRows({ config, plan: steps, pairs, imageTokenId, shuffle, share: true })
  const plan = policy.plan({
    lora: layout.config,
    train: {
      rows,
      recompute,
      gradientAccumulationSteps: config.gradient_accumulation_steps,
    },
  })
  onEvent({ kind: 'plan', plan: memoryReport(plan) })
  const pack = { imageTokenId, hiddenSize, vocabSize }
  gpu.arena.trim() // what answers were written in: the plan has no room for it
  const trainer = await DpoTrainer.create(
    gpu,
    policy.decoder,
    {
      config,
      layout,
      isNew: job.adapter === undefined,
      pairs,
      features,
      pack,
      shuffle,
      recompute: plan.recompute,
    },
    start,
  )
  try {
    adapters.lend(TRAINING, trainer.params)
    await trainer.computeReference({
      signal,
      gate: running.gate,
      store: new StoredReference(await referenceHash(gpu, config, run, job.adapter !== undefined)),
      onProgress: (done, total) => onEvent({ kind: 'reference', done, total }),
    })
    signal.throwIfAborted()
    const { totalSteps } = trainer.plan
    const pairsPerStep = config.per_device_train_batch_size * config.gradient_accumulation_steps
    const watch =
      job.watch && (await openWatch({ gpu, policy, generator }, layout, trainer, job.watch, signal))
    running.isUnderWay = true
    onEvent({ kind: 'start', step: trainer.step, totalSteps, pairsPerStep })
    const { status, state, ailment } = await runTraining(trainer, {
      beta: config.beta,
      signal,
      checkpointSteps: job.checkpointSteps ?? defaultCheckpointSteps(layout),
      ...(job.history ? { history: job.history } : {}),
      shouldStop: () => running.isStopping,
      gate: running.gate,
      between: async (step) => {
        const watched = await watch?.(step)
        if (watched) onEvent(watched)
      },
      onStep: (metrics) => onEvent({ kind: 'step', metrics, gpuBytes: gpu.arena.stats.bytesReserved }),
      onCheckpoint: (state) => {
        const file = writeTrainingCheckpoint(state, run)
        onEvent(transfer({ kind: 'checkpoint', step: state.step, file }, [file.buffer]))
      },
    })
    adapters.withdraw(TRAINING, trainer.params)
    adapters.keep(TRAINING, layout, state.params)
    const adapter = writeAdapter(layout.config, unpackAdapter(layout, state.params))
    const checkpoint = writeTrainingCheckpoint(state, run)
    return transfer(
      { status, step: state.step, totalSteps, ...(ailment ? { ailment } : {}), adapter, checkpoint },
      [adapter['adapter_model.safetensors'].buffer, checkpoint.buffer],
    )
  } finally {
    adapters.withdraw(TRAINING, trainer.params)
    trainer.release()
  }
}

/** SHA-256 of all that determines the reference's log-probabilities. */
async function referenceHash(
  gpu: Gpu,
  { reference, max_length, per_device_train_batch_size }: TrainerConfig,
  { model, checkpoint, weights, images, pairs, peft, adapter }: RunKey,
  isGiven: boolean,
): Promise<string> {
  const measured = isGiven && reference === 'initial' ? { peft, adapter } : 'base'
  const place = gpu.profile.fingerprint
  const policy = { model, checkpoint, weights, images, measured }
  const parts = { policy, pairs, max_length, per_device_train_batch_size, place }
  return await sha256(new TextEncoder().encode(JSON.stringify(parts)))
}

/** A checkpoint holds an adapter and the optimiser's two moments in 32 bits. */
function defaultCheckpointSteps({ size }: AdapterLayout): number {
  return 3 * 4 * size <= SMALL_CHECKPOINT_BYTES ? 1 : 5
}

/** The adapter a training starts from: PEFT's files, or a new one drawn from the seed. */
async function startingAdapter(
  { adapter, peft }: TrainJob,
  model: ModelConfig,
  seed: number,
  signal: AbortSignal,
): Promise<ReadAdapter> {
  if (adapter && peft !== undefined) throw new Error('train: expected peft or adapter, got both')
  if (adapter) return await readAdapter(openFolder(adapter), model, signal)
  const layout = adapterLayout(model, parseLoraConfig(peft, 'peft'))
  return { layout, params: initialAdapter(layout, seed) }
}
