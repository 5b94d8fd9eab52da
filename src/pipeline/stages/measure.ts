import type { FileSpec } from '../../data/folder.ts'
import { parsePopeReply, parseYesNo, type YesNo } from '../../evaluate/yes-no.ts'
import { countWords } from '../../method/sentences.ts'
import type { UnitKey } from '../../store/stages.ts'
import type { Answer, GenerateRequest, Reply } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import { imageFile } from '../image-file.ts'
import type { AdapterSource, ModelSource, RunModels } from '../models.ts'
import type { EvaluateSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import { chooseQuestions, isYes } from './choose-questions.ts'
import type { DatasetItem, DatasetOutput } from './dataset.ts'

/** What the model says about one picture. */
export interface MeasuredImage {
  readonly image: string
  readonly imageHash: string
  /** The greedy caption. */
  readonly caption: string
  readonly numTokens: number
  readonly finishReason: 'stop' | 'length'
  /** Its answers to the picture's yes/no questions; undefined for neither. */
  readonly answers: readonly {
    readonly kind: string
    readonly text: string
    readonly truth: YesNo
    readonly answer: YesNo | undefined
    /** As POPE reads the reply, where that is another. */
    readonly popeAnswer?: YesNo
  }[]
  /** Log-probability of one of the picture's own captions, and which of them that is, where that is measured. */
  readonly clean?: { readonly logp: number; readonly numTokens: number; readonly caption: number }
}

export type MeasureOutput = StageOutput<MeasuredImage[], { readonly images: number }>

export interface MeasureInputs {
  readonly dataset: DatasetOutput
  readonly policy: ModelSource
  /** With an adapter, what was measured without: the loss is taken on the same captions. */
  readonly tuned?: { readonly adapter: AdapterSource; readonly base: MeasureOutput }
  readonly prompt: string
  /** Which measurement this is: `before`, `after`, `zero-shot before`, ... */
  readonly part: string
}

type MeasureSettings = Pick<EvaluateSettings, 'max_new_tokens' | 'questions' | 'clean_captions'>

/**
 * Greedy captions, yes/no answers and the loss on clean captions, with the adapter or without. Of a picture's own captions the
 * one is taken whose length is nearest to what the model without adapter says to this prompt: the loss on a caption in another
 * style would measure that style.
 */
export async function measureStage(
  context: StageContext,
  models: RunModels,
  settings: MeasureSettings,
  { dataset, policy, tuned, prompt, part }: MeasureInputs,
): Promise<MeasureOutput> {
  const { max_new_tokens: maxNewTokens, questions, clean_captions: cleanCaptions } = settings
  const spec = {
    stage: 'evaluate',
    part,
    kind: 'results',
    version: 5,
    round: 0,
    settings: { maxNewTokens, questions, cleanCaptions, prompt },
    inputs: {
      dataset: dataset.summary.hash,
      policy: policy.hash,
      ...(tuned ? { adapter: tuned.adapter.hash, base: tuned.base.hash } : {}),
    },
  } as const
  return await runStage<MeasuredImage[], { images: number }>(context, spec, async (units, progress) => {
    const total = dataset.summary.images
    let images = 0
    let waiting: Unit[] = []
    const measure = async (): Promise<void> => {
      const made = await measureUnits(context, models, settings, { tuned, prompt }, waiting)
      for (const [i, { chunk, items }] of waiting.entries()) {
        await units.put(chunk, made[i] ?? [])
        images += items.length
      }
      waiting = []
      progress(images, total, 'pictures')
    }
    let first = 0
    for await (const [chunk, items] of dataset.units.units()) {
      context.signal.throwIfAborted()
      if (await units.has(chunk)) images += items.length
      else waiting.push({ chunk, items, first })
      first += items.length
      if (waiting.length >= UNITS_AT_ONCE) await measure()
    }
    if (waiting.length > 0) await measure()
    progress(images, total, 'pictures')
    return { images }
  })
}

/** Units of pictures measured in one call: many short answers decode together as fast as few. */
const UNITS_AT_ONCE = 4

interface Unit {
  readonly chunk: UnitKey
  readonly items: readonly DatasetItem[]
  /** Place of its first picture among all. */
  readonly first: number
}

async function measureUnits(
  { store, signal }: StageContext,
  models: RunModels,
  { max_new_tokens: maxNewTokens, questions, clean_captions: cleanCaptions }: MeasureSettings,
  { tuned, prompt }: Pick<MeasureInputs, 'prompt'> & { tuned: MeasureInputs['tuned'] | undefined },
  units: readonly Unit[],
): Promise<MeasuredImage[][]> {
  const client = await models.policy()
  const worn = tuned ? { adapter: await models.adapter(tuned.adapter) } : {}
  const bases = await Promise.all(units.map(({ chunk }) => tuned?.base.units.expect(chunk)))
  const pictures = await Promise.all(
    units.flatMap(({ items, first }, u) =>
      items.map(async (item, i) => ({
        item,
        images: [await imageFile(store, item)],
        questions: chooseQuestions(item.truth?.questions ?? [], questions, first + i),
        base: bases[u]?.[i],
        isCleanMeasured: first + i < cleanCaptions,
      })),
    ),
  )
  const generate = async (requests: readonly GenerateRequest[], most: number): Promise<Answer[]> =>
    await cancellable(signal, client, () =>
      client.generate({ ...worn, requests, temperature: 0, maxNewTokens: most }),
    )
  const captions = await generate(
    pictures.map(({ images }) => ({ images, prompt })),
    maxNewTokens,
  )
  const asked = pictures.map(({ item, images, questions: chosen, base, isCleanMeasured }, i) => {
    const caption = captions[i]?.text.trim() ?? ''
    const own = base ? base.clean?.caption : nearestInLength(item.captions ?? [], caption)
    const clean = isCleanMeasured && own !== undefined ? item.captions?.[own] : undefined
    const turns = chosen.map(({ text }) => ({ prompt: text }))
    return {
      images,
      own,
      turns: clean === undefined ? turns : [...turns, { prompt, completion: clean }],
      questions: turns.length,
    }
  })
  const requests = asked.filter(({ turns }) => turns.length > 0)
  const read =
    requests.length > 0
      ? await cancellable(signal, client, () =>
          client.replies({ ...worn, requests: requests.map(({ images, turns }) => ({ images, turns })) }),
        )
      : []
  const replies = new Map(requests.map((request, i) => [request, read[i] ?? []]))
  const words = await firstWords(asked, replies, (missing) => generate(missing, WORD_TOKENS))
  const measured = pictures.map(({ item, questions: chosen }, i): MeasuredImage => {
    const request = asked[i] as (typeof asked)[number]
    const { text = '', tokens = [], finishReason = 'length' } = captions[i] ?? {}
    const clean = replies.get(request)?.[request.questions]
    return {
      image: item.name,
      imageHash: item.hash,
      caption: text.trim(),
      numTokens: tokens.length,
      finishReason,
      answers: chosen.map(({ kind, text, answer: right }, q) => {
        const reply = words.get(request)?.[q] ?? ''
        const answer = parseYesNo(reply)
        const truth = isYes(right) ? 'yes' : 'no'
        const popeAnswer = parsePopeReply(reply)
        return { kind, text, truth, answer, ...(popeAnswer === answer ? {} : { popeAnswer }) }
      }),
      ...(clean && request.own !== undefined
        ? { clean: { logp: clean.logp, numTokens: clean.numTokens, caption: request.own } }
        : {}),
    }
  })
  let end = 0
  return units.map(({ items }) => {
    end += items.length
    return measured.slice(end - items.length, end)
  })
}

/** Tokens in which a first word comes, also where a tokenizer cuts "YES" or writes the space before it by itself. */
const WORD_TOKENS = 8

interface Asked {
  readonly images: readonly FileSpec[]
  readonly turns: readonly { readonly prompt: string }[]
  /** How many of the turns are questions; they come first. */
  readonly questions: number
}

/**
 * The beginnings of the answers to every picture's questions: the first token where that says yes or no, otherwise some tokens
 * more, which are written for those alone.
 */
async function firstWords<T extends Asked>(
  asked: readonly T[],
  replies: ReadonlyMap<T, readonly Reply[]>,
  write: (requests: readonly GenerateRequest[]) => Promise<readonly Answer[]>,
): Promise<ReadonlyMap<T, readonly string[]>> {
  const words = new Map(
    asked.map((request) => {
      const own = replies.get(request)?.slice(0, request.questions) ?? []
      return [request, own.map(({ firstWord }) => firstWord)]
    }),
  )
  const unclear = asked.flatMap((request) =>
    (words.get(request) ?? []).flatMap((word, q) => (parseYesNo(word) ? [] : [{ request, q }])),
  )
  if (unclear.length === 0) return words
  const longer = await write(
    unclear.map(({ request: { images, turns }, q }) => ({ images, prompt: turns[q]?.prompt ?? '' })),
  )
  unclear.forEach(({ request, q }, i) => {
    const own = words.get(request)
    if (own) own[q] = longer[i]?.text ?? ''
  })
  return words
}

/** Which of some captions has about as many words as a text, the first among equals; undefined where there is none. */
export function nearestInLength(captions: readonly string[], text: string): number | undefined {
  const wanted = countWords(text)
  const distances = captions.map((caption) => Math.abs(countWords(caption) - wanted))
  const least = distances.indexOf(Math.min(...distances))
  return least < 0 ? undefined : least
}
