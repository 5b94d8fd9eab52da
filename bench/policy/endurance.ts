import { Gpu } from '../../src/gpu/gpu.ts'
import { parseModelConfig } from '../../src/models/config.ts'
import type { TokenPair } from '../../src/models/decoder/trainer.ts'
import { median, type PolicyOptions, type Say, timed } from './figures.ts'
import { type OwnStep, ownStep } from './own.ts'
import { loadRandom, PAIRS, pairs } from './setup.ts'

/** Small enough for a thousand steps, with everything that a larger one has. */
const TINY = parseModelConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  tie_word_embeddings: true,
})

const STEPS = 1000
/** Steps at either end that are compared. */
const COMPARED = 100
const WARM_UP = 20

interface Run {
  readonly own: OwnStep
  release(): void
}

/** A training of the tiny model that has taken its first few steps. */
async function begin(gpu: Gpu): Promise<Run> {
  const decoder = await loadRandom(gpu, TINY)
  const small = (ids: readonly number[]) => ids.map((id) => id % TINY.decoder.vocabSize)
  const short = pairs(PAIRS, [6, 4]).map(
    ({ prefix, chosen, rejected }): TokenPair => ({
      prefix: { ...prefix, ids: small(prefix.ids) },
      chosen: small(chosen),
      rejected: small(rejected),
    }),
  )
  const own = await ownStep(gpu, decoder, TINY, short, { steps: WARM_UP + STEPS })
  for (let i = 0; i < WARM_UP; i++) await own.step()
  return {
    own,
    release() {
      own.release()
      decoder.release()
    },
  }
}

/** Of the page with its workers and of the GPU process, which holds a software adapter's buffers. */
async function residentMiB(): Promise<number> {
  const { renderer = Number.NaN, 'gpu-process': gpu = Number.NaN } = (await window.residentMiB?.()) ?? {}
  return renderer + gpu
}

/**
 * A thousand steps of a tiny model: neither time nor memory may grow. The last hundred take turns with the first hundred
 * of the same training begun anew on a device of its own, so that a busy machine slows both alike.
 */
export async function endurance(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  const aged = await begin(gpu)
  for (let i = 0; i < COMPARED; i++) await aged.own.step()
  const before = { gpu: gpu.arena.stats.bytesReserved, resident: await residentMiB() }
  for (let i = COMPARED; i < STEPS - COMPARED; i++) await aged.own.step()
  const resident = await residentMiB()
  const freshGpu = await Gpu.open()
  const fresh = await begin(freshGpu)
  const ms = { first: [] as number[], last: [] as number[] }
  for (let i = 0; i < COMPARED; i++) {
    const turns = [
      async () => ms.last.push(await timed(() => aged.own.step())),
      async () => ms.first.push(await timed(() => fresh.own.step())),
    ]
    for (const turn of i % 2 === 0 ? turns : turns.reverse()) await turn()
  }
  const ratio = median(ms.last.map((last, i) => last / (ms.first[i] ?? Number.NaN)))
  say({ name: 'step, first 100', value: median(ms.first), unit: 'ms', note: 'median, of a training anew' })
  say({ name: 'step, last 100', value: median(ms.last), unit: 'ms', note: 'median, in turns with it' })
  say({
    name: 'last over first',
    value: ratio,
    unit: 'x',
    note: 'median of the turns',
    target: { atMost: 1.05 },
  })
  const grown = gpu.arena.stats.bytesReserved - before.gpu
  say({ name: 'GPU memory grown', value: grown, unit: 'bytes', target: { atMost: 0 } })
  say({
    name: 'resident memory, then over before',
    value: resident / before.resident,
    unit: 'x',
    note: `of ${before.resident.toFixed(0)} MiB after ${COMPARED} steps, page and GPU process`,
    target: { atMost: 1.1 },
  })
  fresh.release()
  freshGpu.close()
  aged.release()
}
