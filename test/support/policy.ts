import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import type { LoadOptions, LoadProgress, PolicyInfo } from '../../src/workers/policy.api.ts'
import { goldenFolder } from './goldens.ts'

export const MODEL_FILES = [
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
  'processor_config.json',
  'onnx/vision_encoder.onnx',
]

/** A worker with the tiny LLaVA of `test/goldens/dpo-trainer`, and what its loading told. @param files put in its folder. */
export async function openGoldenPolicy(
  options: LoadOptions = {},
  files: Readonly<Record<string, Blob>> = {},
): Promise<{ policy: PolicyClient; info: PolicyInfo; progress: LoadProgress[] }> {
  const policy = openPolicy()
  const progress: LoadProgress[] = []
  const { info } = await loadGolden(policy, options, files, progress).catch((error: unknown) => {
    policy.close()
    throw error
  })
  return { policy, info, progress }
}

/** Loads the same model into a worker that is open. */
export async function loadGolden(
  policy: PolicyClient,
  options: LoadOptions = {},
  files: Readonly<Record<string, Blob>> = {},
  progress: LoadProgress[] = [],
): Promise<{ info: PolicyInfo }> {
  const golden = await goldenFolder('dpo-trainer/model', MODEL_FILES)
  const folder = 'files' in golden ? { ...golden, files: { ...golden.files, ...files } } : golden
  return { info: await policy.load(folder, options, (event) => progress.push(event)) }
}
