import { expect, test } from 'vitest'
import { openFolder } from '../../../src/data/folder.ts'
import { openImageDataset } from '../../../src/data/image-dataset.ts'
import type { LoraConfig } from '../../../src/data/peft.ts'
import type { WeightFormat } from '../../../src/kernels/weight.ts'
import { adapterLayout, initialAdapter } from '../../../src/models/decoder/adapter.ts'
import { packSequences, type Sequence } from '../../../src/models/decoder/batch.ts'
import { PolicyModel } from '../../../src/models/policy-model.ts'
import { datasetSource } from '../../../src/pipeline/sources.ts'
import { testGpu } from '../../support/gpu.ts'
import { distances, type LogitsAndGradients, logitsAndGradients } from '../../support/logits-and-gradients.ts'
import { QUANTISED } from '../../tolerances.ts'

const PICTURES = 8
const site = new URL('/', location.href).href

/** A random adapter, whose `lora_alpha` gives it the strength of a trained one. */
const lora: LoraConfig = {
  r: 8,
  lora_alpha: 1,
  lora_dropout: 0,
  use_rslora: false,
  init_lora_weights: false,
  target_modules: 'all-linear',
  exclude_modules: null,
}

/** The embedded LLaVA's logits and gradients on the captions of held-out pictures. */
async function results(format: WeightFormat): Promise<LogitsAndGradients> {
  const gpu = await testGpu()
  const files = openFolder({ url: new URL('models/emoji-llava', site).href })
  const model = await PolicyModel.load(gpu, files, { weights: format })
  const { config, decoder, encoder } = model
  const dataset = await openImageDataset(datasetSource('embedded:emoji-scenes/heldout', { site }))
  const sequences: Sequence[] = []
  for await (const { bytes, captions = [] } of dataset.records()) {
    const prompt = [{ role: 'user', content: 'Describe this image.' }]
    const completions = captions.slice(0, 2).map((content) => [{ role: 'assistant', content }])
    const { prefix, answers } = await encoder.encode([bytes], prompt, completions)
    sequences.push(...answers.map((answer) => ({ prefix, answer })))
    if (sequences.length >= 2 * PICTURES) break
  }
  const { hiddenSize, vocabSize } = config.decoder
  const { maxPositions } = decoder
  const pack = { imageTokenId: config.imageTokenId, hiddenSize, vocabSize, maxPositions }
  const layout = adapterLayout(config, lora)
  const packed = packSequences(sequences, pack)
  const found = await logitsAndGradients(gpu, decoder, layout, initialAdapter(layout, 3), packed)
  model.release()
  return found
}

test('the embedded LLaVA is near itself in f32, the nearer the more bits a weight has', async () => {
  const exact = await results('f32')
  const formats = ['f16', 'int8', 'int4'] as const
  for (const [i, format] of formats.entries()) {
    const found = distances(await results(format), exact)
    if (import.meta.env.VITE_PRINT_ERRORS) console.log(format, found)
    const finer = formats[i - 1]
    for (const what of ['logits', 'gradients'] as const) {
      expect(found[what]).toBeLessThan(QUANTISED[format][what])
      if (finer) expect(found[what]).toBeGreaterThan(QUANTISED[finer][what])
    }
  }
})
