import type { Gpu } from '../../src/gpu/gpu.ts'
import { AnswerLogps } from '../../src/models/decoder/answer-logps.ts'
import type { Prefix, Sequence } from '../../src/models/decoder/batch.ts'
import type { GenerationRequest } from '../../src/models/decoder/generation.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import type { TokenPair } from '../../src/models/decoder/trainer.ts'
import { type PolicyOptions, type Say, timeKernels } from './figures.ts'
import { ownStep } from './own.ts'
import { DEMO, loadRandom, tokens } from './setup.ts'

/** Lengths of the embedded world: image and prompt, a question after what prompts have in common, a caption. */
const PREFIX = 50
const QUESTION = 14
const SHARED = 40
const vocab = DEMO.decoder.vocabSize

/** A caption's length, from 17 to 42 tokens. */
function captionLength(i: number): number {
  return 17 + ((i * 11) % 26)
}

function prefixOf(image: number, length = PREFIX): Prefix {
  return { key: `${image}`, ids: tokens(length, image, vocab) }
}

/** Sixteen pairs, so many to an image. */
function pairsOf(perImage: number): TokenPair[] {
  return Array.from(
    { length: 16 },
    (_, i): TokenPair => ({
      prefix: prefixOf(Math.floor(i / perImage)),
      chosen: tokens(captionLength(2 * i), 10 + i, vocab),
      rejected: tokens(captionLength(2 * i + 1), 50 + i, vocab),
    }),
  )
}

/** One part of a run: what is counted, and how to do so many of it. */
interface Part {
  readonly name: string
  /** How many there are of it in the demo's recipe, and how many are done here. */
  readonly whole: number
  readonly done: number
  run(): Promise<void>
}

/**
 * What the demo's recipe asks of the policy, a fraction of each part, told as seconds of the whole: by the clock, and as
 * processor time of the GPU process, which on a software adapter is what the kernels took however busy the machine is.
 */
export async function stages(gpu: Gpu, { rounds }: PolicyOptions, say: Say): Promise<void> {
  const decoder = await loadRandom(gpu, DEMO)
  const generator = await Generator.create(gpu, decoder, undefined)
  const logps = new AnswerLogps(gpu, decoder, undefined)
  const requests = (images: number, candidates: number): GenerationRequest[] =>
    Array.from({ length: images }, (_, image) => ({
      prefix: prefixOf(image),
      candidates,
      seed: 1,
      round: 0,
      image,
      prompt: 0,
      firstIsGreedy: true,
    }))
  const write = async (images: number, candidates: number): Promise<void> => {
    await generator.generate(
      requests(images, candidates),
      { temperature: 0.7, maxNewTokens: 96, stopTokens: [] },
      {
        endsAt: (written) => {
          const end = captionLength((written[0] ?? 0) + 3 * (written[1] ?? 0))
          return written.length >= end ? end : undefined
        },
      },
    )
  }
  const own = await ownStep(gpu, decoder, DEMO, pairsOf(1), { reference: 'every step' })
  const grouped = await ownStep(gpu, decoder, DEMO, pairsOf(3), { reference: 'every step' })
  const turns: Sequence[] = Array.from({ length: 64 }, (_, image) =>
    [0, 1, 2].map((turn) => ({
      prefix: prefixOf(image, SHARED),
      answer: tokens(QUESTION, 3 * image + turn, vocab),
      from: QUESTION - 1,
    })),
  ).flat()
  const parts: Part[] = [
    { name: 'caption', whole: 256, done: 16, run: () => write(16, 8) },
    { name: 'evaluate, captions', whole: 2444, done: 64, run: () => write(64, 1) },
    {
      name: 'evaluate, replies',
      whole: 2000,
      done: 64,
      async run() {
        // As the worker does, in batches of some 2048 rows.
        for (let first = 0; first < turns.length; first += 3 * 24)
          await logps.predict(turns.slice(first, first + 3 * 24))
      },
    },
    {
      name: 'train, steps and reference',
      whole: 40,
      done: 1,
      async run() {
        await own.step()
      },
    },
    {
      name: 'train, images’ pairs together',
      whole: 40,
      done: 1,
      async run() {
        await grouped.step()
      },
    },
  ]
  for (const { name, whole, done, run } of parts) {
    await run()
    const clock = { wall: [] as number[], busy: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      const start = { wall: performance.now(), busy: (await window.gpuSeconds?.()) ?? 0 }
      await run()
      clock.wall.push((performance.now() - start.wall) / 1000)
      clock.busy.push(((await window.gpuSeconds?.()) ?? 0) - start.busy)
    }
    const scaled = (values: readonly number[]): number => (Math.min(...values) * whole) / done
    say({
      name,
      value: scaled(clock.wall),
      unit: 's',
      note: `${scaled(clock.busy).toFixed(1)} s of processor`,
    })
    await timeKernels(gpu, say, name, run)
  }
  own.release()
  grouped.release()
  logps.release()
  decoder.release()
}
