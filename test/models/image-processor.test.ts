import { describe, expect, test } from 'vitest'
import { decodeImage } from '../../src/models/decode-image.ts'
import { ImageEncoder } from '../../src/models/image-encoder.ts'
import { ImageProcessor } from '../../src/models/image-processor.ts'
import { readProcessorFiles } from '../../src/models/processor-files.ts'
import golden from '../goldens/processor/golden.json'
import { expectClose } from '../support/close.ts'
import { goldenFile, goldenModel, goldenTensors } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

const expected = await goldenTensors('processor/golden.safetensors')

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await goldenFile(path)
  return await source.read(0, source.byteLength)
}

function tensor(values: ReadonlyMap<string, Float32Array<ArrayBuffer>>, name: string) {
  const found = values.get(name)
  if (!found) throw new Error(`${name} is missing`)
  return found
}

describe('pixel values equal those of transformers with Pillow', () => {
  for (const [label, config] of Object.entries(golden.configs)) {
    test.for(['wide', 'tall', 'small'])(`${label}, %s`, async (name) => {
      const image = await decodeImage(await bytesOf(`processor/${name}.png`))
      const { values } = new ImageProcessor(config).process(image)
      expectClose(values, tensor(expected, `${label}.${name}`), 'pixels', `${label}.${name}`)
    })
  }

  test('a picture of another pixel is told apart', async () => {
    const image = await decodeImage(await bytesOf('processor/wide.png'))
    image.data[3 * (20 * image.width + 30)] = (image.data[3 * (20 * image.width + 30)] as number) ^ 64
    const { values } = new ImageProcessor(golden.configs.bicubic).process(image)
    expect(() => expectClose(values, tensor(expected, 'bicubic.wide'), 'pixels')).toThrow('relative error')
  })
})

test('settings it does not know are refused', () => {
  expect(() => new ImageProcessor({ ...golden.configs.bicubic, resample: 5 })).toThrow('resample')
  expect(() => new ImageProcessor({ image_processor_type: 'SamImageProcessor' })).toThrow(
    'CLIPImageProcessor',
  )
})

test.each(['WASM', 'WebGPU on the decoder’s device'])(
  "a model folder's image features, by %s, equal PyTorch's",
  async (place) => {
    const folder = goldenModel('dpo-trainer/model')
    const files = await readProcessorFiles(folder)
    const settings = files.imageProcessor
    const gpu = await testGpu()
    const onWasm = await ImageEncoder.load(folder, files, { hiddenSize: 32 })
    const onDevice = await ImageEncoder.load(folder, files, { hiddenSize: 32 }, { device: gpu.device })
    expect(onDevice?.hash).not.toBe(onWasm?.hash)
    const encoder = place === 'WASM' ? onWasm : onDevice
    const features = tensor(await goldenTensors('dpo-trainer/golden.safetensors'), 'image_features')
    for (let i = 0; i < 12; i++) {
      const bytes = await bytesOf(`dpo-trainer/images/${i}.png`)
      const { values } = new ImageProcessor(settings).process(await decodeImage(bytes))
      expectClose(values, tensor(expected, `dpo-trainer.${i}`), 'pixels', `image ${i}`)
      const actual = await encoder?.encode(bytes)
      const rows = features.subarray((i * features.length) / 12, ((i + 1) * features.length) / 12)
      expectClose(actual ?? [], rows, 'features', `features ${i}`)
    }
    onWasm?.release()
    onDevice?.release()
    gpu.assertAlive()
  },
)

test('another number of feature rows than image tokens is refused', async () => {
  const folder = goldenModel('dpo-trainer/model')
  const files = await readProcessorFiles(folder)
  const processor = { ...files.processor, num_additional_image_tokens: 2 }
  const encoder = await ImageEncoder.load(folder, { ...files, processor }, { hiddenSize: 32 })
  await expect(encoder?.encode(await bytesOf('dpo-trainer/images/0.png'))).rejects.toThrow(
    'expected 5 rows of image features',
  )
  encoder?.release()
})
