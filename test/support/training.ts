import type { FileSpec, FolderSpec } from '../../src/data/folder.ts'
import type { PolicyClient } from '../../src/pipeline/client.ts'
import type {
  LoadProgress,
  PolicyInfo,
  StepMetrics,
  TrainEvent,
  TrainerSettings,
  TrainJob,
  TrainOutcome,
} from '../../src/workers/policy.api.ts'
import { goldenBlob } from './goldens.ts'
import { openGoldenPolicy } from './policy.ts'

export const CONFIG: TrainerSettings = {
  beta: 0.2,
  learning_rate: 5e-3,
  lr_scheduler_type: 'cosine',
  per_device_train_batch_size: 2,
  gradient_accumulation_steps: 2,
  max_steps: 8,
  seed: 23,
}
export const NO_IMAGES: FolderSpec = { name: 'none', files: {} }

/** What came of a training, and what it told on its way. */
export interface Training {
  readonly outcome: TrainOutcome
  readonly events: readonly TrainEvent[]
  readonly steps: readonly StepMetrics[]
}

/** A worker with the tiny LLaVA of `test/goldens/dpo-trainer`, and a short training on the golden's pairs without their images. */
export interface TrainingPolicy {
  readonly policy: PolicyClient
  readonly info: PolicyInfo
  readonly progress: readonly LoadProgress[]
  readonly job: TrainJob & { readonly data: FileSpec }
  train(change?: Partial<TrainJob>, during?: (event: TrainEvent) => void): Promise<Training>
}

export async function openTrainingPolicy(): Promise<TrainingPolicy> {
  const opened = await openGoldenPolicy()
  const job: TrainingPolicy['job'] = {
    data: { name: 'pairs.jsonl', blob: await textPairs() },
    images: NO_IMAGES,
    config: CONFIG,
    peft: { r: 4, lora_alpha: 8, target_modules: 'all-linear' },
    shuffle: false,
  }
  return {
    ...opened,
    job,
    async train(change = {}, during = () => {}) {
      const events: TrainEvent[] = []
      const outcome = await opened.policy.train({ ...job, ...change }, (event) => {
        events.push(event)
        during(event)
      })
      const steps = events.flatMap((event) => (event.kind === 'step' ? [event.metrics] : []))
      return { outcome, events, steps }
    },
  }
}

async function textPairs(): Promise<Blob> {
  const rows = (await (await goldenBlob('dpo-trainer/pairs.jsonl')).text()).trim().split('\n')
  const texts = rows.map((row) => {
    const { images: _, prompt, ...answers } = JSON.parse(row) as Record<string, string>
    return JSON.stringify({ prompt: prompt?.replace('<image> ', ''), ...answers })
  })
  return new Blob([texts.join('\n')])
}
