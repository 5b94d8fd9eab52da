import type { WeightFormat } from '../../src/kernels/weight.ts'
import { readJson } from '../../src/models/checkpoint.ts'
import { type ModelConfig, parseModelConfig } from '../../src/models/config.ts'
import { Decoder, type DecoderOptions } from '../../src/models/decoder/decoder.ts'
import { findDecoderTensors } from '../../src/models/decoder/tensor-names.ts'
import { WeightLoader } from '../../src/models/decoder/weight-loader.ts'
import { loadDecoderWeights } from '../../src/models/decoder/weights.ts'
import { goldenCheckpoint, goldenModel } from './goldens.ts'
import { testGpu } from './gpu.ts'

/** A decoder of `test/goldens/` on the tests' device. @param options.model default as the folder's `config.json` says. */
export async function loadGoldenDecoder(
  folder: string,
  {
    model: given,
    format = 'f32',
    ...options
  }: DecoderOptions & { model?: ModelConfig; format?: WeightFormat } = {},
) {
  const gpu = await testGpu()
  const model = given ?? parseModelConfig(await readJson(goldenModel(folder), 'config.json'))
  const tensors = findDecoderTensors(model.decoder, await goldenCheckpoint(folder))
  const weights = await loadDecoderWeights(
    gpu,
    model.decoder,
    tensors,
    await WeightLoader.create(gpu, format),
  )
  return { gpu, model, decoder: await Decoder.create(gpu, model.decoder, weights, options) }
}
