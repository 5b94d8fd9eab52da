import type { Gpu } from '../../src/gpu/gpu.ts'
import { AdapterTensors, adapterLayout } from '../../src/models/decoder/adapter.ts'
import { packSequences } from '../../src/models/decoder/batch.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import { formatMemoryPlan, planMemory } from '../../src/models/decoder/memory-plan.ts'
import { captions } from './captions.ts'
import { batches, decode } from './decode.ts'
import { endurance } from './endurance.ts'
import { median, type PolicyOptions, type Say, timed, timeKernels } from './figures.ts'
import { type JaxStep, jaxStep } from './jax.ts'
import { ownStep } from './own.ts'
import { LORA, loadRandom, PAIRS, pairs, SMALL, SMOLVLM_256M, tokens } from './setup.ts'
import { stages } from './stages.ts'

export type Section = (gpu: Gpu, options: PolicyOptions, say: Say) => Promise<void>

/** Steps taken before the clock runs, in which losses are compared. */
const WARM_UP = 3

/** The step, packed and not, beside jax-js, taking turns. */
async function step(gpu: Gpu, { rounds }: PolicyOptions, say: Say): Promise<void> {
  const decoder = await loadRandom(gpu, SMALL)
  const runners = new Map<string, { step(): Promise<number>; release?(): void }>()
  const variants = [
    { name: 'unpacked', perImage: 1, share: false },
    { name: '1 pair per image', perImage: 1, share: true },
    { name: '2 pairs per image', perImage: 2, share: true },
    { name: '4 pairs per image', perImage: 4, share: true },
  ]
  for (const { name, perImage, share } of variants) {
    const own = await ownStep(gpu, decoder, SMALL, pairs(perImage), { share })
    runners.set(`clip-dpo ${name}`, own)
    say({ name: `rows, ${name}`, value: own.rows, unit: 'rows' })
  }
  for (const device of ['webgpu', 'wasm'] as const) {
    let jax: JaxStep | undefined
    runners.set(`jax-js ${device}`, {
      async step() {
        jax ??= await jaxStep(device)
        return jax.step()
      },
    })
  }
  const times = new Map<string, number[]>()
  const alive = [...runners]
  for (const [name, runner] of alive.splice(0)) {
    try {
      let loss = Number.NaN
      for (let i = 0; i < WARM_UP; i++) loss = await runner.step()
      say({ name: `loss of step ${WARM_UP}, ${name}`, value: loss, unit: '' })
      times.set(name, [])
      alive.push([name, runner])
    } catch (error) {
      say({ name, value: Number.NaN, unit: 'ms', note: String(error) })
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, runner] of alive) times.get(name)?.push(await timed(() => runner.step()))
  }
  const jaxMs = median(times.get('jax-js webgpu') ?? [])
  for (const [name, ms] of times) {
    const note = name.startsWith('jax') ? {} : { note: `${(jaxMs / median(ms)).toFixed(2)}x jax-js webgpu` }
    say({ name: `step, ${name}`, value: median(ms), unit: 'ms', ...note })
    say({ name: `pairs, ${name}`, value: (1000 * PAIRS) / median(ms), unit: 'pairs/s' })
  }
  const first = runners.get('clip-dpo 4 pairs per image')
  const { dispatches, submits } = gpu.stream.counters
  await first?.step()
  const after = gpu.stream.counters
  say({ name: 'dispatches of a step', value: after.dispatches - dispatches, unit: '' })
  say({ name: 'submits of a step', value: after.submits - submits, unit: '' })
  for (const runner of runners.values()) runner.release?.()
  decoder.release()
}

/** Where a step's time goes: by kernel, each in a submit of its own. */
async function profile(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  const decoder = await loadRandom(gpu, SMALL)
  const own = await ownStep(gpu, decoder, SMALL, pairs(PAIRS))
  await own.step()
  const recording = await timed(async () => {
    void own.step().catch(() => undefined)
  })
  await gpu.stream.idle()
  say({ name: 'recording a step', value: recording, unit: 'ms', note: 'the CPU’s share' })
  await timeKernels(gpu, say, 'step', () => own.step())
  own.release()
  const generator = await Generator.create(gpu, decoder, undefined)
  for (const candidates of [1, 16]) {
    const prefix = { key: '', ids: tokens(4, 1) }
    const request = { prefix, candidates, seed: 1, round: 0, image: 0, prompt: 0 }
    const write = () => generator.generate([request], { temperature: 0, maxNewTokens: 17, stopTokens: [] })
    await write()
    await timeKernels(gpu, say, `16 tokens of ${candidates}`, write)
  }
  decoder.release()
}

/** Tokens a second of the forward pass, and of forward and backward. */
async function speed(gpu: Gpu, { rounds }: PolicyOptions, say: Say): Promise<void> {
  const decoder = await loadRandom(gpu, SMALL)
  const { hiddenSize, vocabSize } = SMALL.decoder
  const layout = adapterLayout(SMALL, LORA)
  const [params, grads] = ['params', 'grads'].map((name) => new AdapterTensors(gpu, layout, name)) as [
    AdapterTensors,
    AdapterTensors,
  ]
  const packed = packSequences(
    pairs(PAIRS).flatMap(({ prefix, chosen, rejected }) =>
      [chosen, rejected].map((answer) => ({ prefix, answer })),
    ),
    { hiddenSize, vocabSize, maxPositions: decoder.maxPositions },
  )
  const rows = packed.ids.length
  const workspace = decoder.workspace({ tokens: rows, answers: rows, sequences: 2 * PAIRS, features: 1 })
  const batch = decoder.stage(workspace, packed)
  const dlogps = gpu.upload(
    new Float32Array(packed.targets.length).fill(0.1),
    [packed.targets.length],
    'dlogps',
  )
  const measure = async (name: string, run: () => void): Promise<void> => {
    run()
    await gpu.stream.idle()
    const times: number[] = []
    for (let i = 0; i < rounds; i++) {
      times.push(
        await timed(async () => {
          run()
          await gpu.stream.idle()
        }),
      )
    }
    say({ name, value: (1000 * rows) / median(times), unit: 'tokens/s' })
  }
  await measure('forward', () => decoder.forward(workspace, batch, { params }, true))
  await measure('forward and backward', () => {
    decoder.forward(workspace, batch, { params }, true)
    decoder.backward(workspace, batch, { params }, grads, dlogps)
  })
  workspace.release()
  gpu.release(params.flat, grads.flat, dlogps)
  decoder.release()
}

/** SmolVLM-256M's decoder with random weights: one image tile of 64 tokens, one packed step, eight tokens. */
async function full(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  const model = SMOLVLM_256M
  const { hiddenSize, vocabSize } = model.decoder
  gpu.arena.trim()
  gpu.arena.resetPeak()
  const image = new Array<number>(64).fill(model.imageTokenId ?? 0)
  const features = Float32Array.from({ length: 64 * hiddenSize }, (_, i) => Math.sin(i * 12.9898))
  const words = (n: number, seed: number) => tokens(n, seed, vocabSize - 200)
  const prefix = { key: 'image', ids: [...words(4, 1), ...image, ...words(8, 2)], features }
  const given = [{ prefix, chosen: words(16, 3), rejected: words(16, 4) }]
  let decoder: Awaited<ReturnType<typeof loadRandom>> | undefined
  const loading = await timed(async () => {
    decoder = await loadRandom(gpu, model, { format: 'f16', dtype: 'BF16', maxPositions: 256 })
  })
  if (!decoder) return
  const loaded = decoder
  say({ name: 'load in f16', value: loading / 1000, unit: 's' })
  const own = await ownStep(gpu, loaded, model, given, { steps: 4 })
  const losses: number[] = []
  for (let i = 0; i < 2; i++) {
    const ms = await timed(async () => losses.push(await own.step()))
    say({ name: `step ${i + 1}, one pair`, value: ms / 1000, unit: 's', note: `loss ${losses[i]}` })
  }
  const plan = planMemory(model, {
    format: 'f16',
    sourceBytes: 2,
    maxPositions: 256,
    lora: LORA,
    train: { rows: own.trainer.largestBatch, recompute: false },
  })
  say({ name: 'planned', value: plan.peakBytes / 2 ** 20, unit: 'MiB', note: `\n${formatMemoryPlan(plan)}` })
  const reference = gpu.arena.stats.peakBytes
  say({
    name: 'used',
    value: reference / 2 ** 20,
    unit: 'MiB',
    note: 'a second workspace holds the reference’s pass',
  })
  own.release()
  const generator = await Generator.create(gpu, loaded, model.imageTokenId)
  const request = { prefix, candidates: 1, seed: 1, round: 0, image: 0, prompt: 0 }
  const writing = await timed(() =>
    generator.generate([request], { temperature: 0, maxNewTokens: 8, stopTokens: [] }),
  )
  say({ name: 'eight tokens', value: writing / 1000, unit: 's' })
  loaded.release()
  gpu.arena.trim()
}

/** Peak of a training run against its plan. */
async function memory(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  gpu.arena.trim()
  gpu.arena.resetPeak()
  const before = gpu.arena.stats.bytesReserved
  const decoder = await loadRandom(gpu, SMALL, { maxPositions: 256 })
  const generator = await Generator.create(gpu, decoder, undefined)
  await generator.generate(
    [{ prefix: { key: '', ids: tokens(48, 1) }, candidates: 16, seed: 1, round: 0, image: 0, prompt: 0 }],
    { temperature: 0, maxNewTokens: 32, stopTokens: [] },
  )
  const used = gpu.arena.stats.peakBytes - before
  const plan = planMemory(SMALL, {
    format: 'f32',
    maxPositions: 256,
    generate: { answers: 16, prefixTokens: 48, featureRows: 0, maxNewTokens: 32 },
  })
  say({ name: 'generation, used', value: used / 2 ** 20, unit: 'MiB' })
  say({
    name: 'generation, planned',
    value: plan.peakBytes / 2 ** 20,
    unit: 'MiB',
    note: `${plan.peakBytes / used} of it`,
  })
  decoder.release()
  gpu.arena.trim()
}

/** In the order they run. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  memory,
  speed,
  decode,
  batches,
  captions,
  step,
  stages,
  profile,
  endurance,
  full,
}
