import type { Candidate } from '../../method/candidate.ts'
import type { FunnelExample, FunnelStep } from '../../method/funnel.ts'
import { isStop } from '../../method/scores.ts'
import { sentences } from '../../method/sentences.ts'
import type { Answer, GenerateJob, GenerateRequest } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import type { PolicyClient } from '../client.ts'
import { imageFile } from '../image-file.ts'
import type { AdapterSource, ModelSource, RunModels } from '../models.ts'
import type { CaptionSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { DatasetItem, DatasetOutput } from './dataset.ts'

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
    version: 3,
    round,
    settings: { ...settings, questions: null, seed, round },
    inputs: {
      dataset: dataset.summary.hash,
      policy: policy.hash,
      ...(adapter ? { adapter: adapter.hash } : {}),
      ...Object.fromEntries(captioners.map(({ hash }, i) => [`captioner${i}`, hash])),
    },
  } as const
  return await runStage(context, spec, async (units, progress) => {
    const total = dataset.summary.images
    const summary = { candidates: 0, merged: 0, tokens: 0 }
    let done = 0
    for await (const [chunk, items] of dataset.units.units()) {
      context.signal.throwIfAborted()
      let candidates = await units.get(chunk)
      if (!candidates) {
        const writers = [
          { generator: 'policy', open: () => models.policy(), adapter },
          ...captioners.map((source, i) => ({
            generator: `captioner${i}`,
            open: () => models.writer(source),
            adapter: undefined,
          })),
        ]
        const written: Candidate[] = []
        for (const { generator, open, adapter: worn } of writers) {
          const client = await open()
          const job = worn ? { adapter: await models.adapter(worn) } : {}
          const writer = { client, job, generator, context, seed, round }
          written.push(...(await writeCandidates(writer, items, settings)))
        }
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

interface Writer {
  readonly client: PolicyClient
  readonly job: Pick<GenerateJob, 'adapter'>
  readonly generator: string
  readonly context: StageContext
  readonly seed: number
  readonly round: number
}

/** One place where something is to be written: a picture, a prompt, and the answer's beginning. */
interface Place {
  readonly item: DatasetItem
  readonly prompt: number
  readonly context?: string
}

async function writeCandidates(
  writer: Writer,
  items: readonly DatasetItem[],
  settings: CaptionSettings,
): Promise<Candidate[]> {
  const { prompts, samples, greedy, unit } = settings
  const places: Place[] = items.flatMap((item) => prompts.map((_, prompt) => ({ item, prompt })))
  if (unit === 'answer') {
    // Number 0 is the greedy answer's, whether there is one or not.
    if (greedy) return await write(writer, places, settings, { candidates: 1 + samples, firstIsGreedy: true })
    const drawn = samples > 0 ? await write(writer, places, settings, { candidates: samples }) : []
    return drawn.map((candidate) => ({ ...candidate, candidate: candidate.candidate + 1 }))
  }
  const first = await write(writer, places, settings, { candidates: 1, firstIsGreedy: true })
  const beginnings = first.flatMap(({ text }, i): Place[] =>
    beginningsOf(text).map((begun) => ({ ...(places[i] as Place), context: begun })),
  )
  const drawn = await write(writer, beginnings, settings, { candidates: samples, stopAfter: 'sentence' })
  const stops = beginnings.map((place) => candidateOf(writer, settings, place, { text: '', numTokens: 1 }))
  return [...drawn, ...stops]
}

type Draw = Pick<GenerateJob, 'stopAfter'> &
  Pick<GenerateRequest, 'firstIsGreedy'> & { readonly candidates: number }

async function write(
  { client, job, generator, context, seed, round }: Writer,
  places: readonly Place[],
  settings: CaptionSettings,
  { candidates, firstIsGreedy = false, ...ends }: Draw,
): Promise<Candidate[]> {
  const requests = await Promise.all(
    places.map(
      async ({ item, prompt, context: begun }): Promise<GenerateRequest> => ({
        images: [await imageFile(context.store, item)],
        prompt: settings.prompts[prompt] ?? '',
        ...(begun === undefined ? {} : { context: begun }),
        candidates,
        firstIsGreedy,
        seed,
        round,
      }),
    ),
  )
  const { temperature, top_p: topP, max_new_tokens: maxNewTokens } = settings
  const answers = await cancellable(context.signal, client, () =>
    client.generate({ ...job, ...ends, requests, temperature, topP, maxNewTokens }),
  )
  return answers.map((answer) =>
    candidateOf({ generator, seed }, settings, places[answer.request] as Place, answer),
  )
}

function candidateOf(
  { generator, seed }: Pick<Writer, 'generator' | 'seed'>,
  settings: CaptionSettings,
  { item, prompt, context }: Place,
  answer: Pick<Answer, 'text'> & Partial<Answer> & { readonly numTokens?: number },
): Candidate {
  return {
    image: item.name,
    imageHash: item.hash,
    prompt: settings.prompts[prompt] ?? '',
    promptId: `p${prompt}`,
    generator,
    candidate: answer.candidate ?? 0,
    seed,
    text: answer.text,
    numTokens: answer.tokens?.length ?? answer.numTokens ?? 0,
    finishReason: answer.finishReason ?? 'stop',
    ...(context === undefined ? {} : { context }),
  }
}

/** A text's beginnings: nothing, its first sentence, its first two, ..., all of it; as written, spaces included. */
function beginningsOf(text: string): string[] {
  let end = 0
  const ends = sentences(text).map((sentence) => {
    end = text.indexOf(sentence, end) + sentence.length
    return end
  })
  return [0, ...ends].map((length) => text.slice(0, length))
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
