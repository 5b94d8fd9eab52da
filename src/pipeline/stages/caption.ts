import type { Candidate } from '../../method/candidate.ts'
import type { FunnelExample, FunnelStep } from '../../method/funnel.ts'
import { isStop } from '../../method/scores.ts'
import type { AdapterSource, ModelSource, RunModels } from '../models.ts'
import type { CaptionSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { DatasetOutput } from './dataset.ts'
import { writeCandidates } from './write-candidates.ts'

export interface CaptionSummary {
  /** Different candidates, and those that came again and were merged. */
  readonly candidates: number
  readonly merged: number
  readonly tokens: number
  /** Questions about pictures, each with two answers among the candidates; absent where none are asked. */
  readonly questions?: number
  /** How many of the questions that a text model wrote could be read, and some that could not; absent where it wrote none. */
  readonly funnel?: readonly FunnelStep[]
  readonly unreadable?: readonly FunnelExample[]
}

export type CaptionOutput = StageOutput<Candidate[], CaptionSummary>

export interface CaptionInputs {
  readonly dataset: DatasetOutput
  readonly policy: ModelSource
  /** The last round's adapter; none in the first. */
  readonly adapter?: AdapterSource
  readonly captioners: readonly ModelSource[]
  readonly seed: number
  readonly round: number
}

/**
 * Candidates for every picture: several prompts, several draws, the greedy answer, and other captioners' answers. Questions are
 * asked by `questionStage`.
 */
export async function captionStage(
  context: StageContext,
  models: RunModels,
  settings: CaptionSettings,
  inputs: CaptionInputs,
): Promise<CaptionOutput> {
  const { dataset, policy, adapter, captioners, seed, round } = inputs
  const spec = {
    stage: 'caption',
    kind: 'candidates',
    version: 4,
    round,
    settings: { ...settings, questions: null, seed, round },
    inputs: {
      dataset: dataset.summary.hash,
      policy: policy.hash,
      ...(adapter ? { adapter: adapter.hash } : {}),
      ...Object.fromEntries(captioners.map(({ hash }, i) => [`captioner${i}`, hash])),
    },
  } as const
  return await runStage(context, spec, async (units, progress, within) => {
    // Each writes about all pictures before the next is loaded; the policy comes last and stays for what follows.
    const others: StageOutput<Candidate[], unknown>[] = []
    for (const [number, source] of captioners.entries())
      others.push(await captionerStage(within, models, settings, { dataset, source, number, seed, round }))
    const total = dataset.summary.images
    const summary = { candidates: 0, merged: 0, tokens: 0 }
    let done = 0
    for await (const [chunk, items] of dataset.units.units()) {
      context.signal.throwIfAborted()
      let candidates = await units.get(chunk)
      if (!candidates) {
        const client = await models.policy()
        const job = adapter ? { adapter: await models.adapter(adapter) } : {}
        const writer = { client, job, generator: 'policy', context, seed, round }
        const written = await writeCandidates(writer, items, settings)
        for (const other of others) written.push(...(await other.units.expect(chunk)))
        candidates = await withVerbatim(merge(written), models)
        await units.put(chunk, candidates)
      }
      done += items.length
      summary.candidates += candidates.length
      for (const { count = 1, numTokens } of candidates) {
        summary.merged += count - 1
        summary.tokens += count * numTokens
      }
      progress(done, total, 'pictures', `${summary.candidates} candidates`)
    }
    return summary
  })
}

interface CaptionerInputs extends Pick<CaptionInputs, 'dataset' | 'seed' | 'round'> {
  readonly source: ModelSource
  /** Among the captioners, from 0. */
  readonly number: number
}

/** What another model than the policy writes about all pictures. */
async function captionerStage(
  context: StageContext,
  models: RunModels,
  settings: CaptionSettings,
  { dataset, source, number, seed, round }: CaptionerInputs,
): Promise<StageOutput<Candidate[], { readonly candidates: number }>> {
  const generator = `captioner${number}`
  const spec = {
    stage: 'caption',
    part: generator,
    kind: 'candidates',
    version: 2,
    round,
    settings: { ...settings, questions: null, seed, round },
    inputs: { dataset: dataset.summary.hash, captioner: source.hash },
  } as const
  return await runStage<Candidate[], { candidates: number }>(context, spec, async (units, progress) => {
    let done = 0
    let candidates = 0
    for await (const [chunk, items] of dataset.units.units()) {
      context.signal.throwIfAborted()
      let written = await units.get(chunk)
      if (!written) {
        const client = await models.writer(source)
        const writer = { client, job: {}, generator, context, seed, round }
        written = await writeCandidates(writer, items, settings)
        await units.put(chunk, written)
      }
      done += items.length
      candidates += written.length
      progress(done, dataset.summary.images, 'pictures', `${candidates} candidates`)
    }
    return { candidates }
  })
}

/**
 * Candidates with what a trainer has to know of those that are no whole answers.
 * @throws {Error} when endings are candidates and the policy has no token for them.
 */
async function withVerbatim(candidates: readonly Candidate[], models: RunModels): Promise<Candidate[]> {
  const needs = ({ context, finishReason }: Candidate): boolean =>
    context !== undefined || finishReason === 'length'
  if (!candidates.some(needs)) return [...candidates]
  const client = await models.policy()
  const end = candidates.some(isStop)
    ? await client.endOfAnswer()
    : await client.endOfAnswer().catch(() => undefined)
  const rendered = new Map<string, Promise<string>>()
  const render = (prompt: string, context: string): Promise<string> => {
    const key = JSON.stringify([prompt, context])
    const known = rendered.get(key) ?? client.renderPrompt(prompt, { context })
    rendered.set(key, known)
    return known
  }
  return await Promise.all(
    candidates.map(async (candidate) => {
      if (!needs(candidate)) return candidate
      const prompt = await render(candidate.prompt, candidate.context ?? '')
      return { ...candidate, verbatim: { prompt, ...(end === undefined ? {} : { end }) } }
    }),
  )
}

/** Identical texts in the same place, counted; the first stays. */
function merge(candidates: readonly Candidate[]): Candidate[] {
  const found = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const { imageHash, promptId, context = '', text } = candidate
    const key = JSON.stringify([imageHash, promptId, context, text])
    const known = found.get(key)
    found.set(key, known ? { ...known, count: (known.count ?? 1) + 1 } : candidate)
  }
  return [...found.values()]
}
