import { expect, test } from 'vitest'
import { packSequences } from '../../src/models/decoder/batch.ts'
import { type OnnxSession, OnnxTensor, openOnnx } from '../../src/models/onnx.ts'
import { PolicyModel } from '../../src/models/policy-model.ts'
import { expectClose } from '../support/close.ts'
import { goldenFile, goldenModel } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

const ROOT = 'dpo-trainer'

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await goldenFile(`${ROOT}/${path}`)
  return await source.read(0, source.byteLength)
}

function int64(values: readonly number[]) {
  return new OnnxTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
}

/** Logits (ids, vocabulary) of a whole sequence by ONNX Runtime, image features in the places of their tokens. */
async function onnxLogits(
  embed: OnnxSession,
  decoder: OnnxSession,
  ids: readonly number[],
  imageToken: number,
  features: Float32Array,
): Promise<Float32Array> {
  const { inputs_embeds: embedded } = await embed.run({ input_ids: int64(ids) })
  const hidden = (embedded?.dims[2] ?? 0) as number
  const rows = Float32Array.from(embedded?.data as Float32Array)
  let feature = 0
  ids.forEach((id, i) => {
    if (id !== imageToken) return
    rows.set(features.subarray(feature * hidden, (feature + 1) * hidden), i * hidden)
    feature++
  })
  const positions = ids.map((_, i) => i)
  const feeds: Record<string, InstanceType<typeof OnnxTensor>> = {
    inputs_embeds: new OnnxTensor('float32', rows, [1, ids.length, hidden]),
    attention_mask: int64(ids.map(() => 1)),
    position_ids: int64(positions),
  }
  for (const name of decoder.inputNames)
    if (name.startsWith('past_key_values'))
      feeds[name] = new OnnxTensor('float32', new Float32Array(), [1, 1, 0, 16])
  const { logits } = await decoder.run(feeds)
  return logits?.data as Float32Array
}

test('a second witness: ONNX Runtime gives the same logits as our decoder', async () => {
  const gpu = await testGpu()
  const [policy, embed, graph] = await Promise.all([
    PolicyModel.load(gpu, goldenModel(`${ROOT}/model`)),
    bytesOf('model/onnx/embed_tokens.onnx').then(openOnnx),
    bytesOf('model/onnx/decoder_model_merged.onnx').then(openOnnx),
  ])
  const { decoder, config, encoder } = policy
  const { vocabSize, hiddenSize } = config.decoder
  const { prefix, answers } = await encoder.encode(
    [await bytesOf('images/3.png')],
    '<s> <image> describe the picture :',
    ['the red ball is near a tree . </s>', 'no dog sits on the big car </s>'],
  )
  const packed = packSequences(
    answers.map((answer) => ({ prefix, answer })),
    { imageTokenId: config.imageTokenId, hiddenSize, vocabSize, maxPositions: decoder.maxPositions },
  )
  const workspace = decoder.workspace({ tokens: 64, answers: 40, sequences: 4, features: 16 })
  decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
  const ours = await gpu.readF32(decoder.logits(workspace))

  const theirs: number[] = []
  for (const answer of answers) {
    const ids = [...prefix.ids, ...answer]
    const image = prefix.features ?? new Float32Array()
    const logits = await onnxLogits(embed, graph, ids, config.imageTokenId ?? -1, image)
    const first = (prefix.ids.length - 1) * vocabSize
    theirs.push(...logits.subarray(first, first + answer.length * vocabSize))
  }
  expectClose(ours, theirs, 'decoder', 'logits')
  const blind = await onnxLogits(embed, graph, prefix.ids, -1, new Float32Array())
  const last = blind.subarray(blind.length - vocabSize)
  expect(() => expectClose(ours.subarray(0, vocabSize), last, 'decoder')).toThrow('relative error')
  workspace.release()
  policy.release()
})
