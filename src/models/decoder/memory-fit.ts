import type { WeightFormat } from '../../kernels/weight.ts'
import type { ModelConfig } from '../config.ts'
import type { Room } from './generation-fit.ts'
import type { GenerationSize } from './generation-memory.ts'
import { type MemoryPlan, type MemoryRequest, megabytes, planMemory } from './memory-plan.ts'

export interface MemoryLimits {
  /** Bytes this session may take in all. Default no limit: WebGPU does not tell how much memory there is. */
  readonly budgetBytes?: number
  /** Largest storage buffer the device binds: the smaller of `maxStorageBufferBindingSize` and `maxBufferSize`. */
  readonly maxBufferBytes?: number
}

/** What a session wants does not fit the device or its budget; the message says which setting would. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError'
}

/** A setting changed so that less memory is needed. */
interface Remedy {
  readonly words: string
  readonly apply: (request: MemoryRequest) => MemoryRequest
}

/** A request that may leave open how much is generated at once: as much as fits the room that is left. */
export type WantedMemory = Omit<MemoryRequest, 'generate'> & {
  readonly generate?: GenerationSize | ((room: Room) => GenerationSize)
}

/**
 * Plans a request that has to fit; layers are computed twice where that is left to the plan and memory asks for it, and then
 * as many answers are written at once as still fit.
 * @throws {MemoryError} when it does not, naming each single setting that would make it fit, or else what all together need.
 */
export function planWithin(model: ModelConfig, wanted: WantedMemory, limits: MemoryLimits): MemoryPlan {
  const request = withAnswers(model, wanted, limits)
  const plan = planMemory(model, request)
  if (fits(plan, limits)) return plan
  const remedies = remediesOf(request)
  const single = remedies.flatMap(({ words, apply }) => {
    const changed = planMemory(model, apply(request))
    return fits(changed, limits) ? [`${words} (${megabytes(changed.peakBytes)})`] : []
  })
  throw new MemoryError(
    `${complaint(plan, limits)}. ${single.length > 0 ? `It would fit with ${single.join(', or ')}` : together(model, request, limits, remedies)}.`,
  )
}

function withAnswers(model: ModelConfig, wanted: WantedMemory, limits: MemoryLimits): MemoryRequest {
  const { generate, ...others } = wanted
  if (typeof generate !== 'function')
    return withRecompute(model, generate ? { ...others, generate } : others, limits)
  const before = withRecompute(model, others, limits)
  const { budgetBytes = Number.POSITIVE_INFINITY, maxBufferBytes = Number.POSITIVE_INFINITY } = limits
  const bytes = budgetBytes - planMemory(model, before).peakBytes
  return { ...before, generate: generate({ bytes, maxBufferBytes }) }
}

function withRecompute(model: ModelConfig, request: MemoryRequest, limits: MemoryLimits): MemoryRequest {
  const { train } = request
  if (train?.recompute !== 'auto') return request
  const isNeeded = !fits(planMemory(model, request), limits)
  return { ...request, train: { ...train, recompute: isNeeded } }
}

function fits({ peakBytes, largest }: MemoryPlan, limits: MemoryLimits): boolean {
  const { budgetBytes = Number.POSITIVE_INFINITY, maxBufferBytes = Number.POSITIVE_INFINITY } = limits
  return peakBytes <= budgetBytes && largest.bytes <= maxBufferBytes
}

function complaint({ bytes, peakBytes, largest }: MemoryPlan, limits: MemoryLimits): string {
  const { budgetBytes = Number.POSITIVE_INFINITY, maxBufferBytes = Number.POSITIVE_INFINITY } = limits
  const parts: string[] = []
  if (peakBytes > budgetBytes) {
    const uses = Object.entries(bytes).map(([use, n]) => `${use} ${megabytes(n)}`)
    parts.push(`${megabytes(peakBytes)} is over the budget of ${megabytes(budgetBytes)} (${uses.join(', ')})`)
  }
  if (largest.bytes > maxBufferBytes) {
    parts.push(
      `${largest.label} alone takes ${megabytes(largest.bytes)}, over this device's largest buffer of ${megabytes(maxBufferBytes)}`,
    )
  }
  return `not enough GPU memory: ${parts.join('; ')}`
}

/** What to do where no single setting is enough: all of them, with the narrowest weights. */
function together(
  model: ModelConfig,
  request: MemoryRequest,
  limits: MemoryLimits,
  remedies: readonly Remedy[],
): string {
  const smallest = planMemory(
    model,
    remedies.reduce((changed, { apply }) => apply(changed), request),
  )
  const all = remedies.map(({ words }) => words).join(' and ')
  return fits(smallest, limits)
    ? `No single setting is enough; ${all} together are (${megabytes(smallest.peakBytes)})`
    : `Not even ${all || 'any setting'} would be enough (${megabytes(smallest.peakBytes)}): take a smaller model`
}

const NARROWER: Readonly<Record<WeightFormat, readonly WeightFormat[]>> = {
  f32: ['f16', 'int8', 'int4'],
  f16: ['int8', 'int4'],
  int8: ['int4'],
  int4: [],
}

/** From the cheapest to the dearest in quality; each can be applied after the others. */
function remediesOf({ train, generate, format }: MemoryRequest): Remedy[] {
  const remedies: Remedy[] = []
  if (train && !train.recompute) {
    remedies.push({
      words: 'recompute on',
      apply: (r) => (r.train ? { ...r, train: { ...r.train, recompute: true } } : r),
    })
  }
  const pairs = (train?.rows.sequences ?? 0) / 2
  for (const fewer of [Math.floor(pairs / 2), 1].filter(
    (n, i, all) => n >= 1 && n < pairs && all.indexOf(n) === i,
  )) {
    remedies.push({
      words: `${fewer} pair${fewer === 1 ? '' : 's'} in a batch instead of ${pairs}`,
      apply: (r) => withPairs(r, fewer),
    })
  }
  if (train && train.rows.answers >= 2 * train.rows.sequences)
    remedies.push({ words: 'answers of half the length', apply: withShorterAnswers })
  if (generate && generate.answers > 1) {
    const fewer = Math.ceil(generate.answers / 4)
    remedies.push({
      words: `${fewer} answers decoded at once instead of ${generate.answers}`,
      apply: (r) => (r.generate ? { ...r, generate: { ...r.generate, answers: fewer } } : r),
    })
  }
  for (const narrower of NARROWER[format])
    remedies.push({ words: `weights in ${narrower}`, apply: (r) => ({ ...r, format: narrower }) })
  return remedies
}

function withPairs(request: MemoryRequest, pairs: number): MemoryRequest {
  const { train } = request
  if (!train) return request
  const share = (2 * pairs) / train.rows.sequences
  if (share >= 1) return request
  const { tokens, answers, features } = train.rows
  const rows = {
    tokens: Math.ceil(tokens * share),
    answers: Math.ceil(answers * share),
    sequences: 2 * pairs,
    features: Math.ceil(features * share),
  }
  return { ...request, train: { ...train, rows } }
}

function withShorterAnswers(request: MemoryRequest): MemoryRequest {
  const { train } = request
  if (!train) return request
  const cut = Math.floor(train.rows.answers / 2)
  const { tokens, answers } = train.rows
  return {
    ...request,
    train: { ...train, rows: { ...train.rows, tokens: tokens - cut, answers: answers - cut } },
  }
}
