import { describe, expect, test, vi } from 'vitest'
import { type Prefix, packSequences } from '../../../src/models/decoder/batch.ts'
import type { GenerationRequest, GenerationSettings } from '../../../src/models/decoder/generation.ts'
import { Generator } from '../../../src/models/decoder/generator.ts'
import golden from '../../goldens/decoders/llava/golden.json'
import { goldenTensors } from '../../support/goldens.ts'
import { loadGoldenDecoder } from '../../support/models.ts'

async function setUp() {
  const { gpu, model, decoder } = await loadGoldenDecoder('decoders/llava')
  const tensors = await goldenTensors('decoders/llava/golden.safetensors')
  const features = tensors.get('image_features') as Float32Array
  const prefixes = golden.batch.map(
    ({ prompt }, i): Prefix => ({
      key: `${i}`,
      ids: prompt,
      features: features.subarray((i * features.length) / 2, ((i + 1) * features.length) / 2),
    }),
  )
  const generator = await Generator.create(gpu, decoder, model.imageTokenId)
  const requests = prefixes.map(
    (prefix, i): GenerationRequest => ({ prefix, candidates: 3, seed: 7, round: 0, image: i, prompt: 0 }),
  )
  return { gpu, model, decoder, prefixes, generator, requests }
}

const shared = setUp()
const greedy: GenerationSettings = { temperature: 0, maxNewTokens: 11, stopTokens: [2] }
const sampled: GenerationSettings = {
  temperature: 1.5,
  topK: 40,
  maxNewTokens: 11,
  stopTokens: [2, 5, 6, 7, 8, 9],
}

test('what is drawn between two looks comes to the CPU in one copy', async () => {
  const { gpu, generator, requests } = await shared
  const read = vi.spyOn(gpu.stream, 'readAll')
  const settings = { ...greedy, stopTokens: [], topLogprobs: 3 }
  const answers = await generator.generate(requests, settings)
  expect(answers.every(({ tokens, top }) => tokens.length === 11 && top.length === 11)).toBe(true)
  expect(read).toHaveBeenCalledTimes(1 + Math.ceil(10 / 4)) // the first token, then four at a time
  read.mockRestore()
})

describe('decoding against the cache', () => {
  test('gives the tokens and log-probabilities of whole forward passes', async () => {
    const { gpu, model, decoder, generator, requests } = await shared
    const answers = await generator.generate(
      requests.map((r) => ({ ...r, candidates: 1 })),
      greedy,
    )
    const sequences = answers.map(({ request, tokens }) => ({
      prefix: requests[request]?.prefix as Prefix,
      answer: tokens,
    }))
    const packed = packSequences(sequences, {
      imageTokenId: model.imageTokenId,
      hiddenSize: 32,
      vocabSize: 97,
      maxPositions: decoder.maxPositions,
    })
    const workspace = decoder.workspace({ tokens: 64, answers: 32, sequences: 2, features: 8 })
    const { logps, argmax } = decoder.forward(workspace, decoder.stage(workspace, packed), undefined, false)
    expect([...(await gpu.readU32(argmax))]).toEqual(answers.flatMap(({ tokens }) => tokens))
    const expected = [...(await gpu.readF32(logps))]
    answers
      .flatMap(({ logprobs }) => logprobs)
      .forEach((logprob, i) => {
        expect(logprob).toBeCloseTo(expected[i] ?? 0, 5)
      })
    workspace.release()
  })

  test('writes the same answers whatever else is in the batch, whenever ended answers are looked for', async () => {
    const { gpu, model, decoder, generator, requests } = await shared
    const together = await generator.generate(requests, sampled)
    expect(new Set(together.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(3)
    expect(new Set(together.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(1)
    const second = (await generator.generate(requests.slice(1), sampled)).map((g) => ({ ...g, request: 1 }))
    expect(second).toEqual(together.slice(3))
    const small = await Generator.create(gpu, decoder, model.imageTokenId, { maxRows: 2, stride: 1 })
    expect(await small.generate(requests, sampled)).toEqual(together)
  })

  test('writes the greedy answer beside drawn ones, and each as it would be alone', async () => {
    const { generator, requests } = await shared
    const drawn = await generator.generate(requests, sampled)
    const mixed = await generator.generate(
      requests.map((request) => ({ ...request, firstIsGreedy: true })),
      sampled,
    )
    const alone = await generator.generate(
      requests.map((request) => ({ ...request, candidates: 1 })),
      { ...sampled, temperature: 0 },
    )
    expect(mixed.filter(({ candidate }) => candidate === 0)).toEqual(alone)
    expect(mixed.filter(({ candidate }) => candidate > 0)).toEqual(
      drawn.filter(({ candidate }) => candidate > 0),
    )
    expect(alone).not.toEqual(drawn.filter(({ candidate }) => candidate === 0))
  })

  test('computes a prefix over the limit once for all its answers, and decodes those of two images together', async () => {
    const { gpu, model, decoder, generator, requests } = await shared
    const longest = Math.max(...requests.map(({ prefix }) => prefix.ids.length))
    const small = await Generator.create(gpu, decoder, model.imageTokenId, { maxPrefixRows: longest - 1 })
    const batches = vi.spyOn(decoder, 'workspace')
    const passes = vi.spyOn(decoder, 'hidden')
    const many = requests.map((request) => ({ ...request, candidates: 4 }))
    for (const [asked, prefills] of [
      [many.slice(0, 1), 1],
      [many, 2],
    ] as const) {
      const together = await generator.generate(asked, sampled)
      batches.mockClear()
      passes.mockClear()
      expect(await small.generate(asked, sampled)).toEqual(together)
      expect(batches).toHaveBeenCalledTimes(1)
      expect(passes.mock.calls.filter(([, , , options]) => options?.wanted)).toHaveLength(prefills)
    }
    batches.mockRestore()
    passes.mockRestore()
  })

  test('ends at a stop token or at the longest length', async () => {
    const { generator, requests } = await shared
    for (const { tokens, finishReason } of await generator.generate(requests, sampled)) {
      const stopped = sampled.stopTokens.includes(tokens.at(-1) as number)
      expect(finishReason).toBe(stopped ? 'stop' : 'length')
      expect(stopped || tokens.length === 11).toBe(true)
      expect(tokens.slice(0, -1).some((token) => sampled.stopTokens.includes(token))).toBe(false)
    }
  })
})

describe('sampling', () => {
  test('differs by seed, round, image, prompt and candidate', async () => {
    const { generator, requests } = await shared
    const request = requests[0] as GenerationRequest
    const write = async (change: Partial<GenerationRequest>) =>
      (await generator.generate([{ ...request, ...change }], sampled)).map(({ tokens }) => tokens.join())
    const base = await write({})
    expect(new Set(base).size).toBe(3)
    for (const change of [{ seed: 8 }, { round: 1 }, { image: 5 }, { prompt: 1 }])
      expect(await write(change)).not.toEqual(base)
  })

  test('reports the likeliest tokens beside each drawn one', async () => {
    const { generator, requests } = await shared
    const [answer] = await generator.generate(requests.slice(0, 1), { ...greedy, topLogprobs: 3 })
    answer?.tokens.forEach((token, i) => {
      expect(answer.top[i]?.ids[0]).toBe(token)
      expect(answer.top[i]?.logprobs[0]).toBeCloseTo(answer.logprobs[i] ?? 0, 5)
    })
  })

  test('with a repetition penalty never repeats what it can avoid', async () => {
    const { generator, requests } = await shared
    const settings = { ...greedy, stopTokens: [], repetitionPenalty: 100 }
    for (const { tokens, request } of await generator.generate(requests, settings)) {
      const prompt = requests[request]?.prefix.ids ?? []
      expect(new Set(tokens).size).toBe(tokens.length)
      expect(tokens.filter((token) => prompt.includes(token))).toEqual([])
    }
  })
})

describe('a run', () => {
  test('streams growing answers and can be cancelled', async () => {
    const { generator, requests } = await shared
    const lengths: number[] = []
    const controller = new AbortController()
    const cancelled = generator.generate(requests, greedy, {
      signal: controller.signal,
      onTokens: (grown) => {
        lengths.push(grown[0]?.tokens.length ?? 0)
        if (lengths.length === 2) controller.abort(new Error('enough'))
      },
    })
    await expect(cancelled).rejects.toThrow('enough')
    expect(lengths).toEqual([1, 5])
  })

  test('refuses prefixes that do not fit', async () => {
    const { generator, requests, decoder } = await shared
    const request = requests[0] as GenerationRequest
    const refuse = (prefix: Prefix) => generator.generate([{ ...request, prefix }], greedy)
    await expect(refuse({ key: 'x', ids: [] })).rejects.toThrow(
      'request 0: expected a prefix of at least one token',
    )
    await expect(refuse({ key: 'x', ids: [96] })).rejects.toThrow('for each of 1 image tokens, got 0')
    const long = Array(decoder.maxPositions).fill(3)
    await expect(refuse({ key: 'x', ids: long })).rejects.toThrow(`got ${decoder.maxPositions}`)
  })
})
