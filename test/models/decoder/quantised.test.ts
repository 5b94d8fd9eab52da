import { describe, expect, test } from 'vitest'
import { type ByteSource, blobSource } from '../../../src/data/bytes.ts'
import type { LoraConfig } from '../../../src/data/peft.ts'
import { readSafetensorsHeader, type TensorEntry } from '../../../src/data/safetensors.ts'
import type { WeightFormat } from '../../../src/kernels/weight.ts'
import { readJson } from '../../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import { adapterLayout, initialAdapter } from '../../../src/models/decoder/adapter.ts'
import { packSequences } from '../../../src/models/decoder/batch.ts'
import { Decoder } from '../../../src/models/decoder/decoder.ts'
import { findDecoderTensors } from '../../../src/models/decoder/tensor-names.ts'
import { WeightLoader } from '../../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights, readFloats } from '../../../src/models/decoder/weights.ts'
import golden from '../../goldens/decoders/llama/golden.json'
import { bfloatBits, halfBits } from '../../reference/half.ts'
import { quantized } from '../../reference/quantize.ts'
import { goldenCheckpoint, goldenModel } from '../../support/goldens.ts'
import { testGpu } from '../../support/gpu.ts'
import { distances, logitsAndGradients } from '../../support/logits-and-gradients.ts'
import { encodeSafetensors, type FakeTensor } from '../../support/safetensors.ts'

const FOLDER = 'decoders/llama'

const lora: LoraConfig = {
  r: 4,
  lora_alpha: 8,
  lora_dropout: 0,
  use_rslora: false,
  init_lora_weights: false,
  target_modules: 'all-linear',
  exclude_modules: null,
}

type Checkpoint = ReadonlyMap<string, TensorEntry>

/** Rewrites every tensor of a checkpoint. */
async function convert(
  checkpoint: Checkpoint,
  change: (values: Float32Array, entry: TensorEntry) => Omit<FakeTensor, 'shape'>,
): Promise<Checkpoint> {
  const tensors: Record<string, FakeTensor> = {}
  for (const entry of checkpoint.values()) {
    tensors[entry.name] = { shape: [...entry.shape], ...change(await readFloats(entry), entry) }
  }
  const file: ByteSource = blobSource(new Blob([encodeSafetensors(tensors)]), 'converted')
  return new Map((await readSafetensorsHeader(file)).map((entry) => [entry.name, entry]))
}

function f32(values: Float32Array): Omit<FakeTensor, 'shape'> {
  return { dtype: 'F32', bytes: new Uint8Array(values.slice().buffer) }
}

/** Logits and the adapter's gradients of one batch, from weights kept in one format. */
async function results(checkpoint: Checkpoint, format: WeightFormat) {
  const gpu = await testGpu()
  const model = parseModelConfig(await readJson(goldenModel(FOLDER), 'config.json'))
  const tensors = findDecoderTensors(model.decoder, checkpoint)
  const weights = await loadDecoderWeights(
    gpu,
    model.decoder,
    tensors,
    await WeightLoader.create(gpu, format),
  )
  const decoder = await Decoder.create(gpu, model.decoder, weights)
  const layout = adapterLayout(model, lora)
  const packed = packSequences(
    golden.batch.flatMap(({ prompt, chosen, rejected }, i) =>
      [chosen, rejected].map((answer) => ({ prefix: { key: `${i}`, ids: prompt }, answer })),
    ),
    {
      hiddenSize: model.decoder.hiddenSize,
      vocabSize: model.decoder.vocabSize,
      maxPositions: decoder.maxPositions,
    },
  )
  const found = await logitsAndGradients(gpu, decoder, layout, initialAdapter(layout, 3), packed)
  decoder.release()
  return found
}

/** Against the numbers the format holds, as a reference in float64 rounds them; measured 0, and f32's own error where kernels differ. */
const SAME_NUMBERS = 1e-5

test.each(['f16', 'int8', 'int4'] as const)(
  'weights in %s give what the numbers they hold give in f32',
  async (format) => {
    const checkpoint = await goldenCheckpoint(FOLDER)
    const found = await results(checkpoint, format)
    const rounded = await convert(checkpoint, (values, { shape: [, cols] }) =>
      f32(cols ? Float32Array.from(quantized(values, cols, format).values) : values),
    )
    const same = distances(found, await results(rounded, 'f32'))
    expect(same.logits).toBeLessThan(SAME_NUMBERS)
    expect(same.gradients).toBeLessThan(SAME_NUMBERS)
    const exact = distances(found, await results(checkpoint, 'f32'))
    expect(exact.logits).toBeGreaterThan(10 * SAME_NUMBERS)
    expect(exact.gradients).toBeGreaterThan(10 * SAME_NUMBERS)
  },
)

describe('a checkpoint stored in', () => {
  test.each([
    ['BF16', bfloatBits],
    ['F16', halfBits],
  ] as const)('%s gives what its numbers in f32 give, bit for bit', async (dtype, bitsOf) => {
    const narrow = await convert(await goldenCheckpoint(FOLDER), (values) => ({
      dtype,
      bytes: new Uint8Array(Uint16Array.from(values, bitsOf).buffer),
    }))
    const wide = await convert(narrow, f32)
    expect([...narrow.values()].every((entry) => entry.dtype === dtype)).toBe(true)
    for (const format of ['f32', 'int8'] as const)
      expect(await results(narrow, format), format).toEqual(await results(wide, format))
  })
})
