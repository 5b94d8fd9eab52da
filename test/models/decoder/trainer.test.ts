import { describe, expect, test } from 'vitest'
import { type LoraMatrices, parseLoraConfig } from '../../../src/data/peft.ts'
import { parseTrainerConfig } from '../../../src/method/trainer-config.ts'
import { readJson } from '../../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import { adapterLayout, packAdapter, unpackAdapter } from '../../../src/models/decoder/adapter.ts'
import { Decoder } from '../../../src/models/decoder/decoder.ts'
import { findDecoderTensors } from '../../../src/models/decoder/tensor-names.ts'
import {
  DpoTrainer,
  type StepMetrics,
  type TokenPair,
  type TrainerOptions,
  type TrainerState,
} from '../../../src/models/decoder/trainer.ts'
import { WeightLoader } from '../../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights } from '../../../src/models/decoder/weights.ts'
import golden from '../../goldens/dpo-trainer/golden.json'
import variants from '../../goldens/dpo-variants/golden.json'
import { goldenCheckpoint, goldenFile, goldenModel, goldenTensors } from '../../support/goldens.ts'
import { testGpu } from '../../support/gpu.ts'
import { at, cosine } from '../../support/numeric.ts'
import { expectTrlLog } from '../../support/trl.ts'

const FOLDER = 'dpo-trainer'
const { peft, ...trainerJson } = golden.config

interface Row {
  images: string[]
  prompt: string
  chosen: string
  rejected: string
}

async function text(path: string): Promise<string> {
  const source = await goldenFile(path)
  return new TextDecoder().decode(await source.read(0, source.byteLength))
}

/** The golden's pairs as token ids: its tokenizer splits at spaces, and an image is four tokens. */
async function tokenPairs(imageTokenId: number, features: Float32Array): Promise<TokenPair[]> {
  const vocabulary = JSON.parse(await text(`${FOLDER}/model/tokenizer.json`)).model.vocab as Record<
    string,
    number
  >
  const idsOf = (words: string): number[] => words.split(' ').map((word) => vocabulary[word] as number)
  const rows = (await text(`${FOLDER}/pairs.jsonl`))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  const perImage = features.length / 12
  return rows.map(({ images, prompt, chosen, rejected }) => {
    const image = Number(/(\d+)\.png/.exec(images[0] ?? '')?.[1])
    return {
      prefix: {
        key: `${image} ${prompt}`,
        ids: idsOf(prompt).flatMap((id) => (id === imageTokenId ? [id, id, id, id] : [id])),
        features: features.subarray(image * perImage, (image + 1) * perImage),
      },
      chosen: idsOf(chosen),
      rejected: idsOf(rejected),
    }
  })
}

async function setUp() {
  const gpu = await testGpu()
  const model = parseModelConfig(await readJson(goldenModel(`${FOLDER}/model`), 'config.json'))
  const tensors = findDecoderTensors(model.decoder, await goldenCheckpoint(`${FOLDER}/model`))
  const weights = await loadDecoderWeights(gpu, model.decoder, tensors, await WeightLoader.create(gpu, 'f32'))
  const decoder = await Decoder.create(gpu, model.decoder, weights)
  const expected = await goldenTensors(`${FOLDER}/golden.safetensors`)
  const layoutOf = (lora: unknown) => adapterLayout(model, parseLoraConfig(lora))
  const layout = layoutOf(peft)
  const adapter = (prefix: string, tensors = expected) =>
    packAdapter(
      layout,
      new Map(
        layout.slots.map(({ path }): [string, LoraMatrices<Float32Array>] => {
          const read = (m: string) =>
            tensors.get(`${prefix}.base_model.model.${path}.lora_${m}.weight`) as Float32Array
          return [path, { loraA: read('A'), loraB: read('B') }]
        }),
      ),
    )
  const options: TrainerOptions = {
    config: parseTrainerConfig(trainerJson),
    layout,
    pairs: await tokenPairs(model.imageTokenId ?? -1, expected.get('image_features') as Float32Array),
    pack: { imageTokenId: model.imageTokenId, hiddenSize: 32, vocabSize: model.decoder.vocabSize },
    shuffle: false,
  }
  const create = (
    change: Partial<TrainerOptions> = {},
    initial: Float32Array<ArrayBuffer> | TrainerState = adapter('init'),
  ) => DpoTrainer.create(gpu, decoder, { ...options, ...change }, initial)
  return { gpu, decoder, layout, layoutOf, adapter, options, create }
}

const shared = setUp()

async function run(trainer: DpoTrainer, steps = trainer.plan.totalSteps): Promise<StepMetrics[]> {
  await trainer.computeReference()
  const pending: Promise<StepMetrics>[] = []
  for (let step = 0; step < steps; step++) pending.push(trainer.trainStep())
  return await Promise.all(pending)
}

describe('ten steps of TRL’s DPOTrainer', () => {
  test('give the same figures and the same adapter', async () => {
    const { create, layout, adapter, gpu } = await shared
    const trainer = await create()
    const steps = await run(trainer)
    expectTrlLog(steps, golden.log, golden.config.beta)
    const [start, end] = [unpackAdapter(layout, adapter('init')), unpackAdapter(layout, adapter('final'))]
    const trained = unpackAdapter(layout, await gpu.readF32(trainer.params.flat))
    const update = (to: typeof end) =>
      [...to].flatMap(([path, { loraA, loraB }]) => {
        const from = start.get(path) as LoraMatrices<Float32Array>
        return [...loraA.map((x, i) => x - at(from.loraA, i)), ...loraB.map((x, i) => x - at(from.loraB, i))]
      })
    expect(cosine(update(trained), update(end))).toBeGreaterThanOrEqual(0.9999)
    trainer.release()
  })

  test('start from a loss of log 2, and a reference without the adapter is another one', async () => {
    const { create, options } = await shared
    const trainer = await create()
    expect((await run(trainer, 1))[0]?.loss).toBeCloseTo(Math.LN2, 6)
    trainer.release()
    const base = await create({ config: { ...options.config, reference: 'base' } })
    expect(Math.abs(((await run(base, 1))[0]?.loss ?? 0) - Math.LN2)).toBeGreaterThan(1e-3)
    base.release()
  })
})

describe('first steps of TRL’s DPOTrainer', () => {
  test.each(variants.cases.map((variant, i) => ({ ...variant, i })))(
    '$name',
    async ({ i, isGiven, peft, config: change = {}, log }) => {
      const { create, layoutOf, adapter } = await shared
      const config = parseTrainerConfig({ ...variants.config, ...change })
      const start = adapter(`${i}`, await goldenTensors('dpo-variants/golden.safetensors'))
      const trainer = await create({ config, layout: layoutOf(peft), isNew: !isGiven }, start)
      expectTrlLog(await run(trainer), log, config.beta)
      trainer.release()
    },
  )
})

describe('dropout of an adapter', () => {
  const lora = { ...peft, lora_dropout: 0.5 }

  test('acts only where it is not disabled', async () => {
    const { create, layoutOf, options } = await shared
    const results: StepMetrics[][] = []
    for (const change of [
      {},
      { layout: layoutOf(lora) },
      { layout: layoutOf(lora), config: { ...options.config, disable_dropout: false } },
    ]) {
      const trainer = await create(change)
      results.push(await run(trainer, 2))
      trainer.release()
    }
    const [without, disabled, dropping] = results
    expect(disabled).toEqual(without)
    expect(dropping?.[0]?.['logps/chosen']).not.toBe(without?.[0]?.['logps/chosen'])
  })

  test('leaves other elements out in every micro-batch', async () => {
    const { create, layoutOf, options } = await shared
    const [pair] = options.pairs as [TokenPair]
    const norm = async (accumulated: number): Promise<number | undefined> => {
      const trainer = await create({
        pairs: Array<TokenPair>(accumulated).fill(pair),
        layout: layoutOf(lora),
        config: {
          ...options.config,
          disable_dropout: false,
          per_device_train_batch_size: 1,
          gradient_accumulation_steps: accumulated,
        },
      })
      const [first] = await run(trainer, 1)
      trainer.release()
      return first?.grad_norm
    }
    // The same pair again, with the same elements left out, would leave the mean of the gradients as it is.
    expect(Math.abs(((await norm(2)) ?? 0) / ((await norm(1)) ?? 1) - 1)).toBeGreaterThan(0.02)
  })
})

describe('training', () => {
  test('continues bit for bit from a saved state', async () => {
    const { create } = await shared
    const whole = await create({ shuffle: true })
    const expected = await run(whole)
    const first = await create({ shuffle: true })
    await run(first, 4)
    const saved = structuredClone(await first.state())
    first.release()
    const second = await create({ shuffle: true }, saved)
    expect(await run(second, 6)).toEqual(expected.slice(4))
    expect(await second.state()).toEqual(await whole.state())
    whole.release()
    second.release()
  })

  test('gives the same with features fetched step by step, of which it holds one step’s', async () => {
    const { create, options } = await shared
    const held = await run(await create())
    const fetched: number[] = []
    const bare = options.pairs.map(({ prefix: { key, ids }, ...pair }) => ({ ...pair, prefix: { key, ids } }))
    const trainer = await create({
      pairs: bare,
      features: async (pair) => {
        fetched.push(pair)
        return options.pairs[pair]?.prefix.features
      },
    })
    await trainer.computeReference()
    expect(fetched.length).toBeGreaterThanOrEqual(new Set(bare.map(({ prefix }) => prefix.key)).size)
    const steps: StepMetrics[] = []
    while (!trainer.isDone) {
      const before = fetched.length
      await trainer.prepare()
      expect(fetched.length - before).toBeLessThanOrEqual(
        options.config.per_device_train_batch_size * options.config.gradient_accumulation_steps,
      )
      steps.push(await trainer.trainStep())
    }
    expect(steps).toEqual(held)
    const unprepared = await create({ pairs: bare })
    await expect(unprepared.computeReference()).rejects.toThrow('row of image features for each')
  })

  test('gives the same with prefixes shared or not, and in one batch or two accumulated halves', async () => {
    const { create, options } = await shared
    const pairs = options.pairs.slice(0, 4).flatMap((pair, i) => [pair, options.pairs[i + 12] as TokenPair])
    const variants: Partial<TrainerOptions>[] = [
      { pairs },
      { pairs, share: false },
      {
        pairs,
        config: { ...options.config, per_device_train_batch_size: 4, gradient_accumulation_steps: 1 },
      },
    ]
    const results: StepMetrics[][] = []
    for (const change of variants) {
      const trainer = await create(change)
      results.push(await run(trainer, 4))
      trainer.release()
    }
    const [expected, ...others] = results as [StepMetrics[], ...StepMetrics[][]]
    for (const steps of others) {
      steps.forEach((metrics, i) => {
        expect(metrics.loss).toBeCloseTo(expected[i]?.loss ?? 0, 5)
        expect(metrics.grad_norm).toBeCloseTo(expected[i]?.grad_norm ?? 0, 3)
      })
    }
  })
})
