import { describe, expect, test } from 'vitest'
import type { LoraConfig } from '../../../src/data/peft.ts'
import { bucketOf } from '../../../src/gpu/arena.ts'
import type { Gpu } from '../../../src/gpu/gpu.ts'
import type { WeightFormat } from '../../../src/kernels/weight.ts'
import { parseTrainerConfig } from '../../../src/method/trainer-config.ts'
import { readJson } from '../../../src/models/checkpoint.ts'
import { type ModelConfig, parseModelConfig } from '../../../src/models/config.ts'
import { adapterLayout, initialAdapter } from '../../../src/models/decoder/adapter.ts'
import { Decoder } from '../../../src/models/decoder/decoder.ts'
import { Generator } from '../../../src/models/decoder/generator.ts'
import { MemoryError, planWithin } from '../../../src/models/decoder/memory-fit.ts'
import { formatMemoryPlan, type MemoryRequest, planMemory } from '../../../src/models/decoder/memory-plan.ts'
import { findDecoderTensors } from '../../../src/models/decoder/tensor-names.ts'
import { DpoTrainer, type TokenPair } from '../../../src/models/decoder/trainer.ts'
import { WeightLoader } from '../../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights, releaseDecoderWeights } from '../../../src/models/decoder/weights.ts'
import { goldenCheckpoint, goldenModel } from '../../support/goldens.ts'
import { testGpu } from '../../support/gpu.ts'

const lora: LoraConfig = {
  r: 4,
  lora_alpha: 8,
  lora_dropout: 0,
  use_rslora: false,
  init_lora_weights: true,
  target_modules: 'all-linear',
  exclude_modules: null,
}

/** Pairs of many lengths, two to an image. */
const PAIRS = Array.from({ length: 10 }, (_, i): TokenPair => {
  const tokens = (length: number, first: number) =>
    Array.from({ length }, (_, t) => 3 + ((first + 7 * t) % 90))
  const image = i >> 1
  return {
    prefix: { key: `${image}`, ids: tokens(5 + 3 * image, image) },
    chosen: tokens(4 + i, i),
    rejected: tokens(12 - i, i + 40),
  }
})

async function loadWeights(name: string, format: WeightFormat) {
  const gpu = await testGpu()
  gpu.arena.trim()
  expect(gpu.arena.stats.bytesReserved).toBe(0)
  gpu.arena.resetPeak()
  const folder = `decoders/${name}`
  const model = parseModelConfig(await readJson(goldenModel(folder), 'config.json'))
  const tensors = findDecoderTensors(model.decoder, await goldenCheckpoint(folder))
  const weights = await loadDecoderWeights(
    gpu,
    model.decoder,
    tensors,
    await WeightLoader.create(gpu, format),
  )
  return { gpu, model, tensors, weights }
}

async function load(name: string, format: WeightFormat) {
  const { gpu, model, weights } = await loadWeights(name, format)
  return { gpu, model, decoder: await Decoder.create(gpu, model.decoder, weights) }
}

function trainer(gpu: Gpu, decoder: Decoder, model: ModelConfig, recompute: boolean): Promise<DpoTrainer> {
  const layout = adapterLayout(model, lora)
  return DpoTrainer.create(
    gpu,
    decoder,
    {
      config: parseTrainerConfig({
        per_device_train_batch_size: 4,
        gradient_accumulation_steps: 2,
        num_train_epochs: 3,
      }),
      layout,
      recompute,
      pairs: PAIRS,
      pack: { imageTokenId: undefined, hiddenSize: 32, vocabSize: model.decoder.vocabSize },
    },
    initialAdapter(layout, 1),
  )
}

test.each(['f32', 'f16', 'int8', 'int4'] as const)(
  'loading in %s takes one tensor above what stays, as planned',
  async (format) => {
    const { gpu, model, tensors, weights } = await loadWeights('qwen3', format)
    const { peakBytes, bytesInUse } = gpu.arena.stats
    const largest = Math.max(...[...tensors.values()].map(({ start, end }) => end - start))
    expect(peakBytes - bytesInUse).toBe(bucketOf(largest))
    expect(peakBytes - bytesInUse).toBe(planMemory(model, { format }).bytes.staging)
    releaseDecoderWeights(gpu, weights)
    expect(gpu.arena.stats.bytesInUse).toBe(0)
  },
)

describe('what a plan says is what is used, to the byte', () => {
  test.each([
    ['llama', 'f32', false],
    ['llama', 'int8', true],
    ['qwen2', 'f16', false],
    ['qwen3', 'f32', true],
    ['qwen3', 'int4', false],
  ] as const)(
    'training %s in %s, recompute %s; and steps allocate nothing',
    async (name, format, recompute) => {
      const { gpu, model, decoder } = await load(name, format)
      const dpo = await trainer(gpu, decoder, model, recompute)
      await dpo.computeReference()
      await dpo.trainStep()
      const { peakBytes, bytesInUse } = gpu.arena.stats
      while (!dpo.isDone) await dpo.trainStep()
      expect(gpu.arena.stats).toMatchObject({ peakBytes, bytesInUse })
      const plan = planMemory(model, {
        format,
        lora,
        train: { rows: dpo.largestBatch, recompute, gradientAccumulationSteps: 2 },
      })
      expect(plan.peakBytes).toBe(peakBytes)
      dpo.release()
      decoder.release()
    },
  )

  test.each([
    ['llama', 'f32', undefined, {}],
    ['qwen3', 'int8', undefined, {}],
    ['qwen3', 'f16', 15, {}],
    ['llama', 'f16', undefined, { topLogprobs: 3, repetitionPenalty: 1.1 }],
  ] as const)(
    'generating with %s in %s, prefixes by %s rows, %j',
    async (name, format, maxPrefixRows, more) => {
      const { gpu, model, decoder } = await load(name, format)
      const generator = await Generator.create(
        gpu,
        decoder,
        undefined,
        maxPrefixRows ? { maxPrefixRows } : {},
      )
      const requests = PAIRS.slice(0, 4).map(({ prefix }, image) => ({
        prefix,
        candidates: 3,
        seed: 1,
        round: 0,
        image,
        prompt: 0,
      }))
      await generator.generate(requests, { ...more, temperature: 0, maxNewTokens: 9, stopTokens: [] })
      const plan = planMemory(model, {
        format,
        generate: {
          answers: 12,
          prefixTokens: requests.reduce((n, { prefix }) => n + prefix.ids.length, 0), // 5, 5, 8 and 8
          ...(maxPrefixRows ? { passTokens: 10 } : {}),
          featureRows: 0,
          maxNewTokens: 9,
          ...('topLogprobs' in more ? { topLogprobs: more.topLogprobs, isPenalised: true } : {}),
        },
      })
      expect(plan.peakBytes).toBe(gpu.arena.stats.peakBytes)
      decoder.release()
    },
  )
})

describe('within a budget', () => {
  const settings = { temperature: 1, maxNewTokens: 9, stopTokens: [] }
  const requests = PAIRS.map(({ prefix }, image) => {
    return { prefix, candidates: 4, seed: 1, round: 0, image, prompt: 0 }
  })

  test('as many answers are written at once as fit, and they are the same', async () => {
    const { gpu, decoder } = await load('llama', 'f32')
    const expected = await (await Generator.create(gpu, decoder, undefined)).generate(requests, settings)
    const most = gpu.arena.stats.peakBytes
    gpu.arena.trim()
    const { bytesInUse } = gpu.arena.stats
    gpu.arena.resetPeak()
    const budgetBytes = Math.floor(bytesInUse + (most - bytesInUse) / 3)
    const small = await Generator.create(gpu, decoder, undefined, { budgetBytes })
    expect(await small.generate(requests, settings)).toEqual(expected)
    const { peakBytes } = gpu.arena.stats
    expect(peakBytes).toBeLessThanOrEqual(budgetBytes)
    expect(peakBytes).toBeGreaterThan(bytesInUse + (most - bytesInUse) / 8)
    const none = await Generator.create(gpu, decoder, undefined, { budgetBytes: bytesInUse + 1000 })
    await expect(none.generate(requests, settings)).rejects.toThrow(
      /one answer of up to 9 tokens takes .* MiB left; ask for fewer new tokens/,
    )
    await expect(none.generate(requests, settings)).rejects.toThrow(MemoryError)
    decoder.release()
  })

  test('an adapter that is trained is counted once more for answers meanwhile', async () => {
    const model = parseModelConfig(await readJson(goldenModel('decoders/llama'), 'config.json'))
    const train = { rows: { tokens: 20, answers: 8, sequences: 4, features: 0 }, recompute: false }
    const generate = { answers: 2, prefixTokens: 9, featureRows: 0, maxNewTokens: 4 }
    const optimiser = (request: Partial<MemoryRequest>) =>
      planMemory(model, { format: 'f32', lora, ...request }).bytes.optimiser
    expect(optimiser({ train, generate }) - optimiser({ train })).toBe(optimiser({ generate }))
  })
})

describe('a refusal', () => {
  const model = parseModelConfig({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 49280,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
  })
  const request: MemoryRequest = {
    format: 'f32',
    lora,
    train: { rows: { tokens: 2048, answers: 512, sequences: 16, features: 1024 }, recompute: false },
  }
  const { peakBytes, bytes } = planMemory(model, request)

  test('names the settings that would make it fit', () => {
    expect(() => planWithin(model, request, { budgetBytes: peakBytes })).not.toThrow()
    expect(() => planWithin(model, request, { budgetBytes: peakBytes - 0.4 * bytes.activations })).toThrow(
      /over the budget.*would fit with recompute on \(.*\), or 4 pairs in a batch instead of 8/,
    )
    expect(() => planWithin(model, request, { budgetBytes: 0.95 * peakBytes })).toThrow(/weights in int8/)
    expect(() => planWithin(model, request, { budgetBytes: 300e6 })).toThrow(/together are/)
    expect(() => planWithin(model, request, { budgetBytes: 1e6 })).toThrow(MemoryError)
  })

  test('computes layers twice where that is left to it and the rest would not fit', () => {
    const wish: MemoryRequest = request.train
      ? { ...request, train: { ...request.train, recompute: 'auto' } }
      : request
    const roomy = planWithin(model, wish, { budgetBytes: peakBytes })
    expect(roomy).toMatchObject({ recompute: false, peakBytes })
    expect(formatMemoryPlan(roomy)).not.toContain('twice')
    const tight = planWithin(model, wish, { budgetBytes: peakBytes - 0.4 * bytes.activations })
    expect(tight.recompute).toBe(true)
    expect(tight.peakBytes).toBeLessThan(peakBytes - 0.4 * bytes.activations)
    expect(formatMemoryPlan(tight)).toMatch(/activations .*with layers computed twice/)
    expect(() => planWithin(model, wish, { budgetBytes: 300e6 })).not.toThrow(/recompute/)
    expect(() => planWithin(model, wish, { budgetBytes: 300e6 })).toThrow(MemoryError)
  })

  test('names a tensor the device cannot bind', () => {
    expect(() => planWithin(model, request, { maxBufferBytes: 64 * 2 ** 20 })).toThrow(
      /embed_tokens alone takes 108.3 MiB, over this device's largest buffer of 64.0 MiB.*weights in f16/,
    )
  })

  test('comes with a table', () => {
    const table = formatMemoryPlan(planMemory(model, request))
    expect(table.split('\n').map((line) => line.split(/\s+/)[0])).toEqual([
      'weights',
      'activations',
      'optimiser',
      'cache',
      'staging',
      'peak',
    ])
    expect(table).toMatch(/largest buffer: embed_tokens, 108.3 MiB/)
  })
})
