import type { Gpu } from '../../src/gpu/gpu.ts'
import { Generator } from '../../src/models/decoder/generator.ts'
import { formatMemoryPlan, type MemoryPlan, planMemory } from '../../src/models/decoder/memory-plan.ts'
import { type PolicyOptions, type Say, timed } from './figures.ts'
import { ownStep } from './own.ts'
import { LORA, loadRandom, PAIRS, pairs, SMALL, SMOLVLM_256M, tokens } from './setup.ts'

/** Says what a plan counted beside what was used, which it may miss by a tenth. */
function comparePlan(say: Say, what: string, plan: MemoryPlan, used: number): void {
  say({ name: `${what}, used`, value: used / 2 ** 20, unit: 'MiB' })
  say({
    name: `${what}, planned`,
    value: plan.peakBytes / 2 ** 20,
    unit: 'MiB',
    note: `\n${formatMemoryPlan(plan)}`,
  })
  say({
    name: `${what}, planned over used`,
    value: plan.peakBytes / used,
    unit: 'x',
    target: { atLeast: 0.9, atMost: 1.1 },
  })
}

/** SmolVLM-256M's decoder with random weights: one image tile of 64 tokens, one packed step, eight tokens. */
export async function full(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  const model = SMOLVLM_256M
  const { hiddenSize, vocabSize } = model.decoder
  gpu.arena.trim()
  gpu.arena.resetPeak()
  const before = gpu.arena.stats.bytesReserved
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
  comparePlan(say, 'training', plan, gpu.arena.stats.peakBytes - before)
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

/** The peaks of training and of generating against their plans. */
export async function memory(gpu: Gpu, _options: PolicyOptions, say: Say): Promise<void> {
  const shared = { format: 'f32', maxPositions: 256 } as const
  const peakOf = async (use: (decoder: Awaited<ReturnType<typeof loadRandom>>) => Promise<void>) => {
    gpu.arena.trim()
    gpu.arena.resetPeak()
    const before = gpu.arena.stats.bytesReserved
    const decoder = await loadRandom(gpu, SMALL, { maxPositions: shared.maxPositions })
    await use(decoder)
    decoder.release()
    return gpu.arena.stats.peakBytes - before
  }
  let rows = { tokens: 0, answers: 0, sequences: 0, features: 0 }
  const trained = await peakOf(async (decoder) => {
    const own = await ownStep(gpu, decoder, SMALL, pairs(PAIRS))
    for (let i = 0; i < 2; i++) await own.step()
    rows = own.trainer.largestBatch
    own.release()
  })
  const train = { rows, recompute: false }
  comparePlan(say, 'training', planMemory(SMALL, { ...shared, lora: LORA, train }), trained)
  const written = await peakOf(async (decoder) => {
    const generator = await Generator.create(gpu, decoder, undefined)
    const prefix = { key: '', ids: tokens(48, 1) }
    await generator.generate([{ prefix, candidates: 16, seed: 1, round: 0, image: 0, prompt: 0 }], {
      temperature: 0,
      maxNewTokens: 32,
      stopTokens: [],
    })
  })
  const generate = { answers: 16, prefixTokens: 48, featureRows: 0, maxNewTokens: 32 }
  comparePlan(say, 'generation', planMemory(SMALL, { ...shared, generate }), written)
  gpu.arena.trim()
}
