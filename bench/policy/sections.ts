import type { Gpu } from '../../src/gpu/gpu.ts'
import { AdapterTensors, adapterLayout } from '../../src/models/decoder/adapter.ts'
import { packSequences } from '../../src/models/decoder/batch.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import { captions } from './captions.ts'
import { batches, decode } from './decode.ts'
import { endurance } from './endurance.ts'
import { median, type PolicyOptions, type Say, timed, timeKernels } from './figures.ts'
import { type JaxStep, jaxStep } from './jax.ts'
import { full, memory } from './memory.ts'
import { ownStep } from './own.ts'
import { LORA, loadRandom, PAIRS, pairs, SMALL, tokens } from './setup.ts'
import { stages } from './stages.ts'

export type Section = (gpu: Gpu, options: PolicyOptions, say: Say) => Promise<void>

/** How many times faster than jax-js's WebGPU a step has to be. */
const TARGETS: Readonly<Record<string, number>> = {
  'clip-dpo unpacked': 2,
  'clip-dpo 4 pairs per image': 4,
}

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
    const own = await ownStep(gpu, decoder, SMALL, pairs(perImage), { share, reference: 'every step' })
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
    say({ name: `step, ${name}`, value: median(ms), unit: 'ms' })
    if (!name.startsWith('jax')) {
      const target = TARGETS[name]
      const times = { name: `times jax-js webgpu, ${name}`, value: jaxMs / median(ms), unit: 'x' }
      say({ ...times, ...(target === undefined ? {} : { target: { atLeast: target } }) })
    }
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
  const own = await ownStep(gpu, decoder, SMALL, pairs(PAIRS), { reference: 'every step' })
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
