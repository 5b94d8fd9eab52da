import type { Candidate } from '../../method/candidate.ts'
import { sentences } from '../../method/sentences.ts'
import type { Answer, GenerateJob, GenerateRequest } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import type { PolicyClient } from '../client.ts'
import { imageFile } from '../image-file.ts'
import type { CaptionSettings } from '../recipe.ts'
import type { StageContext } from '../stage.ts'
import type { DatasetItem } from './dataset.ts'

/** A model that is loaded, and what its candidates are told with. */
export interface Writer {
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

/** Everything that one model writes about some pictures, in the order of pictures and prompts. */
export async function writeCandidates(
  writer: Writer,
  items: readonly DatasetItem[],
  settings: CaptionSettings,
): Promise<Candidate[]> {
  const { prompts, samples, greedy, unit } = settings
  const places: Place[] = items.flatMap((item) => prompts.map((_, prompt) => ({ item, prompt })))
  if (unit === 'answer') {
    // Number 0 is kept for the greedy answer: what is drawn does not depend on whether it is asked for.
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
  return answers.map((answer) => ({
    ...candidateOf({ generator, seed }, settings, places[answer.request] as Place, answer),
    ...(firstIsGreedy && answer.candidate === 0 ? { greedy: true } : {}),
  }))
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
