import type { Gpu } from '../../src/gpu/gpu.ts'
import type { ModelConfig } from '../../src/models/config.ts'
import type { GenerationRequest, GenerationSettings } from '../../src/models/decoder/generation.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import { median, type PolicyOptions, type Say } from './figures.ts'
import { ANSWER, DEMO, loadRandom, PREFIX, SMALL, tokens } from './setup.ts'

/** Some answers written at once. */
interface Case {
  readonly name: string
  readonly requests: readonly GenerationRequest[]
  readonly settings: GenerationSettings
  /** How many times as many tokens a second as the first case it has to write. Default any. */
  readonly atLeast?: number
}

const GREEDY: GenerationSettings = { temperature: 0, maxNewTokens: ANSWER, stopTokens: [] }

function requestsOf(model: ModelConfig, images: number, candidates = 1): GenerationRequest[] {
  return Array.from({ length: images }, (_, image) => ({
    prefix: { key: `${image}`, ids: tokens(PREFIX, image, model.decoder.vocabSize) },
    candidates,
    seed: 1,
    round: 0,
    image,
    prompt: 0,
  }))
}

/** Tokens a second of greedy answers of the small model, after the prefixes and with them. */
export async function decode(gpu: Gpu, options: PolicyOptions, say: Say): Promise<void> {
  const greedy = (name: string, images: number, candidates?: number, atLeast?: number): Case => ({
    name,
    requests: requestsOf(SMALL, images, candidates),
    settings: GREEDY,
    ...(atLeast === undefined ? {} : { atLeast }),
  })
  await compare(gpu, SMALL, options, say, [
    greedy('1 answer', 1),
    greedy('4 answers of one image', 1, 4),
    greedy('16 answers of one image', 1, 16, 5),
    greedy('16 images, an answer each', 16, 1, 5),
  ])
}

/** Tokens a second of many answers at once, of a model of the embedded policy's size. */
export async function batches(gpu: Gpu, options: PolicyOptions, say: Say): Promise<void> {
  const sampled = { ...GREEDY, temperature: 1, topP: 0.9 }
  await compare(gpu, DEMO, options, say, [
    ...[1, 16, 64, 128, 256].map((images) => ({
      name: `greedy, ${images} images`,
      requests: requestsOf(DEMO, images),
      settings: GREEDY,
    })),
    { name: 'sampled, 22 images, 3 answers each', requests: requestsOf(DEMO, 22, 3), settings: sampled },
  ])
}

/** Times cases in turns; each is told as a multiple of the first. */
async function compare(
  gpu: Gpu,
  model: ModelConfig,
  { rounds }: PolicyOptions,
  say: Say,
  cases: readonly Case[],
): Promise<void> {
  const decoder = await loadRandom(gpu, model)
  const generator = await Generator.create(gpu, decoder, undefined, {
    maxRows: 256,
    maxPrefixRows: 256 * PREFIX,
  })
  const rates = cases.map(() => ({ whole: [] as number[], decoding: [] as number[] }))
  for (let round = -1; round < rounds; round++) {
    for (const [i, { requests, settings }] of cases.entries()) {
      const answers = requests.reduce((n, { candidates }) => n + candidates, 0)
      const start = performance.now()
      let prefilled = 0
      await generator.generate(requests, settings, {
        onTokens() {
          prefilled ||= performance.now()
        },
      })
      const end = performance.now()
      if (round < 0) continue // pipelines and buffers are made in the first
      rates[i]?.whole.push((1000 * answers * settings.maxNewTokens) / (end - start))
      rates[i]?.decoding.push((1000 * answers * (settings.maxNewTokens - 1)) / (end - prefilled))
    }
  }
  cases.forEach(({ name, atLeast }, i) => {
    for (const what of ['decoding', 'whole'] as const) {
      const rate = median(rates[i]?.[what] ?? [])
      const times = rate / median(rates[0]?.[what] ?? [])
      const label = what === 'whole' ? `${name}, with prefixes` : name
      say({ name: label, value: rate, unit: 'tokens/s', note: `${times.toFixed(2)}x one` })
      if (atLeast !== undefined && what === 'decoding')
        say({ name: `times one, ${name}`, value: times, unit: 'x', target: { atLeast } })
    }
  })
  decoder.release()
}
