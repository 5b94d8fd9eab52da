import { expect, test } from 'vitest'
import { parseModelConfig } from '../../../src/models/config.ts'
import { packSequences } from '../../../src/models/decoder/batch.ts'
import golden from '../../goldens/decoders/rope.json'
import { expectClose } from '../../support/close.ts'
import { loadGoldenDecoder } from '../../support/models.ts'

/** Logits of the last tokens of the golden's sequence, under another RoPE than the folder's. */
async function logits(config: unknown): Promise<Float32Array> {
  const { gpu, decoder } = await loadGoldenDecoder('decoders/llama', { model: parseModelConfig(config) })
  const { vocabSize, hiddenSize } = decoder.config
  const cut = golden.ids.length - golden.predicted
  const sequence = { prefix: { key: 'a', ids: golden.ids.slice(0, cut) }, answer: golden.ids.slice(cut) }
  const { maxPositions } = decoder
  const packed = packSequences([sequence], { vocabSize, hiddenSize, maxPositions })
  const workspace = decoder.workspace({ tokens: 40, answers: 3, sequences: 1, features: 1 })
  decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
  const found = await gpu.readF32(decoder.logits(workspace))
  workspace.release()
  decoder.release()
  return found
}

test.each(golden.cases)(
  '$name RoPE gives the logits of transformers',
  async ({ config, logits: expected }) => {
    expectClose(await logits(config), expected, 'decoder')
  },
)

test('negative control: another factor of the scaling is seen in the logits', async () => {
  const [linear] = golden.cases
  const other = { ...linear?.config, rope_parameters: { ...linear?.config.rope_parameters, factor: 4.1 } }
  const found = await logits(other)
  expect(() => expectClose(found, linear?.logits ?? [], 'decoder')).toThrow('relative error')
})
