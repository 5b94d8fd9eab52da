import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PolicyClient } from '../../../src/pipeline/client.ts'
import type { GenerateJob, GenerateRequest } from '../../../src/workers/policy.api.ts'
import golden from '../../goldens/processor/golden.json'
import { expectClose } from '../../support/close.ts'
import { goldenBlob } from '../../support/goldens.ts'
import { openGoldenPolicy } from '../../support/policy.ts'

let policy: PolicyClient
let image: { name: string; blob: Blob }

beforeAll(async () => {
  const files = { 'chat_template.jinja': new Blob([golden.template]) }
  policy = (await openGoldenPolicy({}, files)).policy
  image = { name: '0.png', blob: await goldenBlob('dpo-trainer/images/0.png') }
})
afterAll(() => policy.close())

describe('a rendered prompt', () => {
  test('has gone through the template and holds the image token', async () => {
    expect(await policy.renderPrompt('describe the picture')).toBe(
      '<s> user : <image> describe the picture assistant :',
    )
    expect(await policy.renderPrompt('describe', { images: 0 })).toBe('<s> user : describe assistant :')
    expect(await policy.renderPrompt('<s> <image> is it')).toBe('<s> <image> is it')
  })

  test('asks what the prompt asks', async () => {
    const request = { images: [image], prompt: 'describe the picture', candidates: 2 }
    const rendered = { ...request, prompt: await policy.renderPrompt(request.prompt), isVerbatim: true }
    const tokens = async (r: GenerateRequest) =>
      (await policy.generate({ requests: [r], maxNewTokens: 6 })).map((answer) => answer.tokens)
    expect(await tokens(rendered)).toEqual(await tokens(request))
  })

  test('without an image is only taken as it is when that is said', async () => {
    const prompt = await policy.renderPrompt('is the dog big', { images: 0 })
    const write = async (request: Partial<GenerateRequest>) =>
      (await policy.generate({ requests: [{ images: [], prompt, ...request }], maxNewTokens: 6 }))[0]
        ?.logprobs
    const asked = await policy.generate({
      requests: [{ images: [], prompt: 'is the dog big' }],
      maxNewTokens: 6,
    })
    expect(await write({ isVerbatim: true })).toEqual(asked[0]?.logprobs)
    expect(await write({})).not.toEqual(asked[0]?.logprobs)
  })
})

describe('an answer that goes on from a context', () => {
  /** An answer in which every token is a word, and the likeliest token at each place. */
  async function written() {
    const request = { images: [image], prompt: 'describe the picture', context: 'a red', candidates: 48 }
    const settings = { temperature: 2, maxNewTokens: 5, topLogprobs: 1 }
    const answers = await policy.generate({ requests: [request], ...settings })
    const answer = answers.find(({ text, tokens }) => text.split(' ').length === tokens.length)
    if (!answer) throw new Error('expected one answer of plain words, got none')
    return { request, answer, words: answer.text.split(' ') }
  }

  test('goes on as an answer that began with it', async () => {
    const { request, answer, words } = await written()
    expect(answer.whole).toBe(`a red ${answer.text}`)
    const context = ['a red', ...words.slice(0, 3)].join(' ')
    const [rest] = await policy.generate({
      requests: [{ ...request, context, candidates: 1 }],
      maxNewTokens: 2,
    })
    const likeliest = answer.top[3]
    expect(rest?.tokens[0]).toBe(likeliest?.ids[0])
    expectClose([rest?.logprobs[0] ?? 0], likeliest?.logprobs ?? [], 'decoder')
    const [other] = await policy.generate({ requests: [{ ...request, candidates: 1 }], maxNewTokens: 1 })
    expect(other?.logprobs[0]).not.toBeCloseTo(rest?.logprobs[0] ?? 0, 3)
  })

  test('has the log-probability that the rendered prompt gives it', async () => {
    const { request, answer } = await written()
    const { context } = request
    const prompt = await policy.renderPrompt(request.prompt, { context })
    expect(prompt.endsWith(`assistant : ${context}`)).toBe(true)
    const images = { name: 'images', files: { 'a.png': image.blob } }
    const rows = [{ images: ['a.png'], prompt, completion: answer.text }]
    const [measured] = await policy.logps({ rows, images })
    expectClose(measured?.tokenLogps ?? [], answer.logprobs, 'decoder')
  })

  test('draws other numbers than the prompt alone', async () => {
    const draw = async (context: string) => {
      const requests = [{ images: [], prompt: 'describe', context, candidates: 8 }]
      const answers = await policy.generate({ requests, temperature: 3, maxNewTokens: 8 })
      return answers.map(({ tokens }) => tokens.join())
    }
    expect(await draw('a')).not.toEqual(await draw('the'))
  })
})

describe('answers that end by what they say', () => {
  const requests = ['describe the picture', 'is the dog big', 'a red ball'].map((prompt) => ({
    images: [],
    prompt,
    candidates: 6,
    seed: 3,
  }))
  const job: GenerateJob = { requests, temperature: 3, maxNewTokens: 24 }

  test('after a sentence are the first sentence of the answers that go on, row by row', async () => {
    const free = await policy.generate(job)
    const ended = await policy.generate({ ...job, stopAfter: 'sentence' })
    const kinds = ended.map(({ stoppedBy }) => stoppedBy)
    expect(kinds.filter((kind) => kind === 'sentence').length).toBeGreaterThan(2)
    expect(new Set(kinds).size).toBeGreaterThan(1)
    ended.forEach(({ text, tokens, logprobs, finishReason, stoppedBy }, i) => {
      const whole = free[i]
      if (stoppedBy !== 'sentence') {
        expect({ text, tokens }).toEqual({ text: whole?.text, tokens: whole?.tokens })
        return
      }
      expect(finishReason).toBe('stop')
      expect(text).toMatch(/[a-z].*\.$/)
      expect(whole?.text.startsWith(`${text} `)).toBe(true)
      expect(tokens).toEqual(whole?.tokens.slice(0, tokens.length))
      expect(logprobs).toHaveLength(tokens.length)
    })
    const alone = await policy.generate({ ...job, requests: requests.slice(2), stopAfter: 'sentence' })
    expect(alone.map(({ tokens }) => tokens)).toEqual(ended.slice(12).map(({ tokens }) => tokens))
  })

  test('at a stop string do not hold it', async () => {
    const free = await policy.generate(job)
    const ended = await policy.generate({ ...job, stopStrings: ['dog', 'tree'] })
    expect(ended.filter(({ stoppedBy }) => stoppedBy === 'string').length).toBeGreaterThan(2)
    ended.forEach(({ text, stoppedBy }, i) => {
      expect(text).not.toMatch(/dog|tree/)
      const goesOn = ['dog', 'tree'].some((string) => free[i]?.text.startsWith(text + string))
      if (stoppedBy === 'string') expect(goesOn).toBe(true)
      else expect(text).toBe(free[i]?.text)
    })
    await expect(policy.generate({ ...job, stopStrings: [''] })).rejects.toThrow('got an empty one')
  })
})
