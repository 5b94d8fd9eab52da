import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import { goldenBlob, goldenFolder } from '../support/goldens.ts'
import { TOLERANCES } from '../tolerances.ts'

const MODEL_FILES = [
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
  'processor_config.json',
  'onnx/vision_encoder.onnx',
]

let policy: PolicyClient

beforeAll(async () => {
  policy = openPolicy()
  await policy.load(await goldenFolder('dpo-trainer/model', MODEL_FILES))
})
afterAll(() => policy.close())

/** Pictures and prompts of the golden, each picture with several prompts. */
async function requests() {
  const rows = (await (await goldenBlob('dpo-trainer/pairs.jsonl')).text()).trim().split('\n')
  const read = rows
    .slice(0, 6)
    .map((row) => JSON.parse(row) as Record<'images' | 'prompt' | 'chosen', string>)
  return await Promise.all(
    read.map(async ({ images: [path = ''], chosen }, i) => ({
      images: [{ name: path, blob: await goldenBlob(`dpo-trainer/${path}`) }],
      turns: read.slice(0, 1 + (i % 4)).map(({ prompt }) => ({ prompt, completion: chosen })),
    })),
  )
}

test('replies equal log-probabilities and first tokens asked for one by one', async () => {
  const asked = await requests()
  const replies = await policy.replies({ requests: asked })
  expect(replies.map((turns) => turns.length)).toEqual(asked.map(({ turns }) => turns.length))
  for (const [i, { images, turns }] of asked.entries()) {
    for (const [t, { prompt, completion }] of turns.entries()) {
      const rows = [{ images: [images[0]?.name], prompt, completion }]
      const folder = { name: 'images', files: { [images[0]?.name ?? '']: images[0]?.blob as Blob } }
      const [alone] = await policy.logps({ rows, images: folder })
      const [greedy] = await policy.generate({ requests: [{ images, prompt }], maxNewTokens: 1 })
      const reply = replies[i]?.[t]
      expect(reply?.numTokens).toBe(alone?.numTokens)
      expect(Math.abs((reply?.logp ?? 0) - (alone?.logp ?? 1))).toBeLessThan(
        TOLERANCES.decoder * Math.max(1, Math.abs(alone?.logp ?? 0)),
      )
      expect(reply?.firstWord).toBe(greedy?.text.trim())
    }
  }
})

test('another picture gives other log-probabilities', async () => {
  const [first, second] = await requests()
  if (!first || !second) throw new Error('expected two requests')
  const replies = await policy.replies({ requests: [first, { ...first, images: second.images }] })
  const [a, b] = replies.map(([reply]) => reply?.logp ?? 0) as [number, number]
  expect(Math.abs(a - b)).toBeGreaterThan(1e-3)
})

test('without a completion only the first word is wanted, and nothing is measured against images that do not fit', async () => {
  const [first] = await requests()
  const [[reply] = []] = await policy.replies({
    requests: [{ images: first?.images ?? [], turns: [{ prompt: first?.turns[0]?.prompt ?? '' }] }],
  })
  expect(reply?.firstWord).toBeTypeOf('string')
  await expect(policy.replies({ requests: [{ images: [], turns: first?.turns ?? [] }] })).rejects.toThrow(
    /expected an image token/,
  )
})
