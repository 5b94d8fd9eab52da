import { describe, expect, test } from 'vitest'
import type { LoraConfig, LoraMatrices } from '../../../src/data/peft.ts'
import { readJson } from '../../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import {
  AdapterTensors,
  adapterLayout,
  packAdapter,
  unpackAdapter,
} from '../../../src/models/decoder/adapter.ts'
import { type Prefix, packSequences, type Sequence } from '../../../src/models/decoder/batch.ts'
import { Decoder } from '../../../src/models/decoder/decoder.ts'
import { mergeAdapter } from '../../../src/models/decoder/merge.ts'
import { findDecoderTensors } from '../../../src/models/decoder/tensor-names.ts'
import { WeightLoader } from '../../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights } from '../../../src/models/decoder/weights.ts'
import llama from '../../goldens/decoders/llama/golden.json'
import llava from '../../goldens/decoders/llava/golden.json'
import llavaQwen2 from '../../goldens/decoders/llava-qwen2/golden.json'
import mistral from '../../goldens/decoders/mistral/golden.json'
import qwen2 from '../../goldens/decoders/qwen2/golden.json'
import qwen3 from '../../goldens/decoders/qwen3/golden.json'
import { expectClose } from '../../support/close.ts'
import { goldenCheckpoint, goldenModel, goldenTensors } from '../../support/goldens.ts'
import { testGpu, withProfile } from '../../support/gpu.ts'
import { at, relativeError } from '../../support/numeric.ts'

const GOLDENS = { llama, llava, mistral, qwen2, qwen3, 'llava-qwen2': llavaQwen2 }
type Name = keyof typeof GOLDENS
const NAMES = Object.keys(GOLDENS) as Name[]
const BETA = 0.1

interface Options {
  recompute?: boolean
  share?: boolean
  /** Designs of an adapter with a GPU behind it; what runs them is the tests' adapter. */
  hardware?: boolean
}

async function setUp(name: Name, options: Options = {}) {
  const own = await testGpu()
  const gpu = options.hardware ? withProfile(own, { isSoftware: false }) : own
  const golden = GOLDENS[name]
  const folder = `decoders/${name}`
  const model = parseModelConfig(await readJson(goldenModel(folder), 'config.json'))
  const tensors = findDecoderTensors(model.decoder, await goldenCheckpoint(folder))
  const loader = await WeightLoader.create(gpu, 'f32')
  const weights = await loadDecoderWeights(gpu, model.decoder, tensors, loader)
  const decoder = await Decoder.create(gpu, model.decoder, weights)
  const expected = await goldenTensors(`${folder}/golden.safetensors`)
  const lora: LoraConfig = {
    ...golden.lora,
    lora_dropout: 0,
    use_rslora: false,
    init_lora_weights: false,
    target_modules: 'all-linear',
    exclude_modules: null,
  }
  const layout = adapterLayout(model, lora)
  const adapter = new AdapterTensors(gpu, layout, 'adapter')
  const matrices = (prefix: string) =>
    new Map(
      layout.slots.map(({ path }): [string, LoraMatrices<Float32Array>] => {
        const read = (m: string) =>
          expected.get(`${prefix}.base_model.model.${path}.lora_${m}.weight`) as Float32Array
        return [path, { loraA: read('A'), loraB: read('B') }]
      }),
    )
  gpu.stream.write(adapter.flat, packAdapter(layout, matrices('init')))

  const features = expected.get('image_features')
  const sequences = golden.batch.flatMap((pair, i): Sequence[] => {
    const perImage = (features?.length ?? 0) / golden.batch.length
    const prefix: Prefix = {
      key: `${i}`,
      ids: pair.prompt,
      ...(features ? { features: features.subarray(i * perImage, (i + 1) * perImage) } : {}),
    }
    return [
      { prefix, answer: pair.chosen },
      { prefix, answer: pair.rejected },
    ]
  })
  const packed = packSequences(sequences, {
    imageTokenId: model.imageTokenId,
    hiddenSize: model.decoder.hiddenSize,
    vocabSize: model.decoder.vocabSize,
    maxPositions: decoder.maxPositions,
    share: options.share ?? true,
  })
  const workspace = decoder.workspace({ tokens: 64, answers: 40, sequences: 4, features: 16 }, options)
  const batch = decoder.stage(workspace, packed)
  const release = (): void => {
    workspace.release()
    decoder.release()
    gpu.release(adapter.flat)
  }
  return {
    gpu,
    golden,
    model,
    decoder,
    expected,
    layout,
    adapter,
    matrices,
    packed,
    workspace,
    batch,
    release,
  }
}

type SetUp = Awaited<ReturnType<typeof setUp>>

/** PyTorch's logits at the rows that predict answer tokens, sequence by sequence. */
function expectedLogits({ golden, expected, model }: SetUp, kind: 'base' | 'adapter'): number[] {
  const vocab = model.decoder.vocabSize
  return golden.batch.flatMap((pair, i) =>
    (['chosen', 'rejected'] as const).flatMap((side) => {
      const logits = expected.get(`logits.${kind}.${i}.${side}`) as Float32Array
      const first = pair.prompt.length - 1
      return [...logits.subarray(first * vocab, (first + pair[side].length) * vocab)]
    }),
  )
}

/** Sums of token log-probabilities by sequence. */
function sums(values: ArrayLike<number>, offsets: ArrayLike<number>): number[] {
  return Array.from({ length: offsets.length - 1 }, (_, s) => {
    let total = 0
    for (let n = at(offsets, s); n < at(offsets, s + 1); n++) total += at(values, n)
    return total
  })
}

/** The sigmoid-DPO gradient to each answer token, from the policy's and the reference's sums. */
function dpoSlopes(
  policy: number[],
  reference: number[],
  offsets: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const pairs = policy.length / 2
  const slopes = new Float32Array(at(offsets, policy.length))
  policy.forEach((_, s) => {
    const c = s - (s % 2)
    const margin = at(policy, c) - at(reference, c) - at(policy, c + 1) + at(reference, c + 1)
    const slope = (-BETA / (1 + Math.exp(BETA * margin)) / pairs) * (s % 2 === 0 ? 1 : -1)
    slopes.fill(slope, at(offsets, s), at(offsets, s + 1))
  })
  return slopes
}

async function gradients(set: SetUp): Promise<Float32Array<ArrayBuffer>> {
  const { gpu, decoder, workspace, batch, adapter, layout, packed, golden } = set
  const grads = new AdapterTensors(gpu, layout, 'grads')
  const { logps } = decoder.forward(workspace, batch, { params: adapter }, true)
  const policy = sums(await gpu.readF32(logps), packed.offsets)
  const reference = Object.values(golden.reference)
  const dlogps = gpu.upload(dpoSlopes(policy, reference, packed.offsets), [packed.targets.length], 'dlogps')
  decoder.backward(workspace, batch, { params: adapter }, grads, dlogps)
  const flat = await gpu.readF32(grads.flat)
  gpu.release(grads.flat, dlogps)
  return flat
}

describe.each(NAMES)('%s equals PyTorch and PEFT', (name) => {
  test('in its logits, with the adapter off and on', async () => {
    const set = await setUp(name)
    for (const [kind, adapter] of [
      ['base', undefined],
      ['adapter', { params: set.adapter }],
    ] as const) {
      set.decoder.forward(set.workspace, set.batch, adapter, false)
      expectClose(
        await set.gpu.readF32(set.decoder.logits(set.workspace)),
        expectedLogits(set, kind),
        'decoder',
        kind,
      )
    }
    set.release()
  })

  test('in the log-probabilities of answers', async () => {
    const set = await setUp(name)
    const { golden, packed } = set
    const policy = set.decoder.forward(set.workspace, set.batch, { params: set.adapter }, false)
    expectClose(
      sums(await set.gpu.readF32(policy.logps), packed.offsets),
      Object.values(golden.steps[0]?.logps ?? {}),
      'decoder',
    )
    const reference = set.decoder.forward(set.workspace, set.batch, undefined, false)
    expectClose(
      sums(await set.gpu.readF32(reference.logps), packed.offsets),
      Object.values(golden.reference),
      'decoder',
    )
    set.release()
  })

  test('in the gradient of every LoRA matrix', async () => {
    const set = await setUp(name)
    const ours = unpackAdapter(set.layout, await gradients(set))
    for (const [path, { loraA, loraB }] of set.matrices('grad')) {
      const layer = ours.get(path)
      expectClose(layer?.loraA ?? [], loraA, 'decoderGradient', `${path} A`)
      expectClose(layer?.loraB ?? [], loraB, 'decoderGradient', `${path} B`)
    }
    set.release()
  })

  test('whether layers are kept or computed again, packed or not', async () => {
    const results: Float32Array[] = []
    for (const options of [{}, { recompute: true }, { share: false }]) {
      const set = await setUp(name, options)
      results.push(await gradients(set))
      set.release()
    }
    const [kept, again, unpacked] = results as [Float32Array, Float32Array, Float32Array]
    expect(again).toEqual(kept)
    expect(relativeError(unpacked, kept)).toBeLessThan(1e-4)
  })
})

test('the designs of a hardware adapter give the same logits and gradients', async () => {
  const set = await setUp('qwen3', { hardware: true })
  set.decoder.forward(set.workspace, set.batch, { params: set.adapter }, false)
  const logits = await set.gpu.readF32(set.decoder.logits(set.workspace))
  expectClose(logits, expectedLogits(set, 'adapter'), 'decoder')
  const ours = unpackAdapter(set.layout, await gradients(set))
  for (const [path, { loraA, loraB }] of set.matrices('grad')) {
    expectClose(ours.get(path)?.loraA ?? [], loraA, 'decoderGradient', `${path} A`)
    expectClose(ours.get(path)?.loraB ?? [], loraB, 'decoderGradient', `${path} B`)
  }
  set.release()
})

test('a merged adapter gives the same logits as an unmerged one, and unmerged it is gone', async () => {
  const set = await setUp('llama')
  const { gpu, decoder, workspace, batch, adapter } = set
  const logits = async (strength?: number): Promise<Float32Array> => {
    const active = strength === undefined ? undefined : { params: adapter, strength }
    decoder.forward(workspace, batch, active, false)
    return await gpu.readF32(decoder.logits(workspace))
  }
  const half = await logits(0.5)
  mergeAdapter(decoder, adapter)
  expectClose(await logits(), expectedLogits(set, 'adapter'), 'decoder', 'merged')
  expectClose(await logits(-0.5), half, 'decoder', 'merged, less one half')
  mergeAdapter(decoder, adapter, -1)
  expectClose(await logits(), expectedLogits(set, 'base'), 'decoder', 'unmerged again')
  set.release()
})

test('several adapters are resident, each with its own effect', async () => {
  const set = await setUp('llama')
  const { gpu, decoder, workspace, batch, adapter, layout } = set
  const other = new AdapterTensors(gpu, layout, 'other')
  const logits = async (params: AdapterTensors): Promise<Float32Array> => {
    decoder.forward(workspace, batch, { params }, false)
    return await gpu.readF32(decoder.logits(workspace))
  }
  const first = await logits(adapter)
  expectClose(await logits(other), expectedLogits(set, 'base'), 'decoder', 'an adapter of zeros')
  expect(await logits(adapter)).toEqual(first)
  gpu.release(other.flat)
  set.release()
})

test('negative control: one weight of the adapter changed by a hundredth is seen in the logits', async () => {
  const set = await setUp('llama')
  const flat = packAdapter(set.layout, set.matrices('init'))
  flat[0] = (flat[0] ?? 0) + 0.01
  set.gpu.stream.write(set.adapter.flat, flat)
  set.decoder.forward(set.workspace, set.batch, { params: set.adapter }, false)
  const logits = await set.gpu.readF32(set.decoder.logits(set.workspace))
  expect(relativeError(logits, expectedLogits(set, 'adapter'))).toBeGreaterThan(1e-4)
  set.release()
})
