import { expect, test } from 'vitest'
import { type LoraMatrices, parseLoraConfig } from '../../../src/data/peft.ts'
import { parseTrainerConfig } from '../../../src/method/trainer-config.ts'
import { adapterLayout, packAdapter } from '../../../src/models/decoder/adapter.ts'
import { DpoTrainer, type StepMetrics, type TokenPair } from '../../../src/models/decoder/trainer.ts'
import llama from '../../goldens/decoders/llama/golden.json'
import llava from '../../goldens/decoders/llava/golden.json'
import llavaQwen2 from '../../goldens/decoders/llava-qwen2/golden.json'
import mistral from '../../goldens/decoders/mistral/golden.json'
import qwen2 from '../../goldens/decoders/qwen2/golden.json'
import qwen3 from '../../goldens/decoders/qwen3/golden.json'
import { goldenTensors } from '../../support/goldens.ts'
import { loadGoldenDecoder } from '../../support/models.ts'
import { cosine } from '../../support/numeric.ts'

const GOLDENS = { llama, llava, mistral, qwen2, qwen3, 'llava-qwen2': llavaQwen2 }
type Golden = (typeof GOLDENS)[keyof typeof GOLDENS]

/** Relative to max(1, |x|), against PyTorch's AdamW in float64; the bound that is promised. Measured 2e-6. */
const BOUND = 1e-4

async function setUp(name: string, golden: Golden) {
  const folder = `decoders/${name}`
  const { gpu, model, decoder } = await loadGoldenDecoder(folder)
  const expected = await goldenTensors(`${folder}/golden.safetensors`)
  const layout = adapterLayout(model, parseLoraConfig(golden.lora))
  const adapter = (when: 'init' | 'final'): Float32Array<ArrayBuffer> => {
    const layers = layout.slots.map(({ path }): [string, LoraMatrices<Float32Array>] => {
      const read = (m: string) =>
        expected.get(`${when}.base_model.model.${path}.lora_${m}.weight`) as Float32Array
      return [path, { loraA: read('A'), loraB: read('B') }]
    })
    return packAdapter(layout, new Map(layers))
  }
  const features = expected.get('image_features')
  const perImage = (features?.length ?? 0) / golden.batch.length
  const pairs = golden.batch.map(
    ({ prompt, chosen, rejected }, i): TokenPair => ({
      prefix: {
        key: `${i}`,
        ids: prompt,
        ...(features ? { features: features.subarray(i * perImage, (i + 1) * perImage) } : {}),
      },
      chosen,
      rejected,
    }),
  )
  const config = parseTrainerConfig({
    ...golden.optimizer,
    beta: golden.beta,
    lr_scheduler_type: 'constant',
    per_device_train_batch_size: pairs.length,
    max_steps: golden.steps.length,
    reference: 'base',
  })
  const { imageTokenId, decoder: shape } = model
  const pack = { imageTokenId, hiddenSize: shape.hiddenSize, vocabSize: shape.vocabSize }
  const trainer = await DpoTrainer.create(
    gpu,
    decoder,
    { config, layout, pairs, pack, shuffle: false },
    adapter('init'),
  )
  const release = (): void => {
    trainer.release()
    decoder.release()
  }
  return { gpu, trainer, adapter, release }
}

function mean(logps: Readonly<Record<string, number>>, side: string): number {
  const values = Object.entries(logps).flatMap(([key, value]) => (key.endsWith(side) ? [value] : []))
  return values.reduce((total, value) => total + value, 0) / values.length
}

test.each(Object.entries(GOLDENS))('ten AdamW steps of %s equal PyTorch’s', async (name, golden) => {
  const { gpu, trainer, adapter, release } = await setUp(name, golden)
  await trainer.computeReference()
  const steps: StepMetrics[] = []
  while (!trainer.isDone) steps.push(await trainer.trainStep())
  let worst = 0
  golden.steps.forEach(({ loss, grad_norm, logps }, i) => {
    const wanted = {
      loss,
      grad_norm,
      'logps/chosen': mean(logps, 'chosen'),
      'logps/rejected': mean(logps, 'rejected'),
    }
    for (const [figure, value] of Object.entries(wanted)) {
      const error = Math.abs((steps[i]?.[figure as keyof StepMetrics] ?? Number.NaN) - value)
      worst = Math.max(worst, error / Math.max(1, Math.abs(value)))
      expect(error, `step ${i + 1}: ${figure}`).toBeLessThanOrEqual(BOUND * Math.max(1, Math.abs(value)))
    }
  })
  if (import.meta.env.VITE_PRINT_ERRORS) console.log(`${name}: ${worst}`)
  const [start, end] = [adapter('init'), adapter('final')]
  const trained = await gpu.readF32(trainer.params.flat)
  const update = (to: Float32Array) => to.map((value, i) => value - (start[i] ?? 0))
  expect(cosine(update(trained), update(end))).toBeGreaterThanOrEqual(0.9999)
  release()
})
