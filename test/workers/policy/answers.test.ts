import { afterAll, beforeAll, expect, test } from 'vitest'
import { Generator } from '../../../src/models/decoder/generator.ts'
import { PolicyModel } from '../../../src/models/policy-model.ts'
import { writeAnswers } from '../../../src/workers/policy/answers.ts'
import { encodeParts } from '../../../src/workers/policy/requests.ts'
import type { Answer, GenerateRequest } from '../../../src/workers/policy.api.ts'
import { goldenBlob, goldenModel } from '../../support/goldens.ts'
import { testGpu } from '../../support/gpu.ts'

/** Of an image's features. */
const IMAGE_BYTES = 4 * 4 * 32
const running = { signal: new AbortController().signal, gate: async () => {} }
let policy: PolicyModel
let generator: Generator
let requests: GenerateRequest[]

beforeAll(async () => {
  const gpu = await testGpu()
  policy = await PolicyModel.load(gpu, goldenModel('dpo-trainer/model'))
  generator = await Generator.create(gpu, policy.decoder, policy.config.imageTokenId)
  const images = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => ({
      name: `${i}.png`,
      blob: await goldenBlob(`dpo-trainer/images/${i}.png`),
    })),
  )
  const prompt = '<s> <image> is the dog near :'
  requests = images.map((image) => ({ images: [image], prompt, candidates: 2, seed: 3 }))
})
afterAll(() => policy.release())

test('requests come in parts that hold no more image features than they may, or one request', async () => {
  const sizes = async (maxBytes?: number) => {
    const parts: number[] = []
    for await (const part of encodeParts(policy.encoder, requests, running.signal, maxBytes))
      parts.push(part.length)
    return parts
  }
  expect(await sizes()).toEqual([5])
  expect(await sizes(2 * IMAGE_BYTES)).toEqual([2, 2, 1])
  expect(await sizes(1)).toEqual([1, 1, 1, 1, 1])
})

test('answers are the same in whatever parts they are written', async () => {
  const job = { requests, maxNewTokens: 6, temperature: 1 }
  const write = async (partBytes?: number) => {
    const seen = new Map<string, Answer>()
    const grown = (some: readonly Answer[]) => {
      for (const answer of some) seen.set(`${answer.request} ${answer.candidate}`, answer)
    }
    const answers = await writeAnswers({ policy, generator }, job, undefined, running, grown, partBytes)
    expect([...seen.values()].sort((a, b) => a.request - b.request || a.candidate - b.candidate)).toEqual(
      answers,
    )
    return answers
  }
  const together = await write()
  expect(together.map(({ request, candidate }) => [request, candidate])).toEqual(
    requests.flatMap((_, i) => [
      [i, 0],
      [i, 1],
    ]),
  )
  expect(new Set(together.map(({ imageHashes }) => imageHashes.join())).size).toBe(5)
  expect(await write(2 * IMAGE_BYTES)).toEqual(together)
})
