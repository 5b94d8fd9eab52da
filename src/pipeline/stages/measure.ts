import type { YesNo } from '../../evaluate/yes-no.ts'
import { parseYesNo } from '../../evaluate/yes-no.ts'
import type { UnitKey } from '../../store/stages.ts'
import { cancellable } from '../cancellable.ts'
import { imageFile } from '../image-file.ts'
import type { AdapterSource, ModelSource, RunModels } from '../models.ts'
import type { EvaluateSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
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
  }[]
  /** Log-probability of the picture's own caption, where that is measured. */
  readonly clean?: { readonly logp: number; readonly numTokens: number }
}

export type MeasureOutput = StageOutput<MeasuredImage[], { readonly images: number }>

export interface MeasureInputs {
  readonly dataset: DatasetOutput
  readonly policy: ModelSource
  readonly adapter?: AdapterSource
  readonly prompt: string
  /** Which measurement this is: `before`, `after`, `zero-shot before`, ... */
  readonly part: string
}

type MeasureSettings = Pick<EvaluateSettings, 'max_new_tokens' | 'questions' | 'clean_captions'>

/** Greedy captions, yes/no answers and the loss on clean captions, with the adapter or without. */
export async function measureStage(
  context: StageContext,
  models: RunModels,
  settings: MeasureSettings,
  { dataset, policy, adapter, prompt, part }: MeasureInputs,
): Promise<MeasureOutput> {
  const { max_new_tokens: maxNewTokens, questions, clean_captions: cleanCaptions } = settings
  const spec = {
    stage: 'evaluate',
    part,
    kind: 'results',
    version: 2,
    round: 0,
    settings: { maxNewTokens, questions, cleanCaptions, prompt },
    inputs: {
      dataset: dataset.summary.hash,
      policy: policy.hash,
      ...(adapter ? { adapter: adapter.hash } : {}),
    },
  } as const
  return await runStage<MeasuredImage[], { images: number }>(context, spec, async (units, progress) => {
    const total = dataset.summary.images
    let images = 0
    let waiting: Unit[] = []
    const measure = async (): Promise<void> => {
      const made = await measureUnits(context, models, settings, { adapter, prompt }, waiting)
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
  { adapter, prompt }: { adapter: AdapterSource | undefined; prompt: string },
  units: readonly Unit[],
): Promise<MeasuredImage[][]> {
  const client = await models.policy()
  const worn = adapter ? { adapter: await models.adapter(adapter) } : {}
  const pictures = await Promise.all(
    units.flatMap(({ items, first }) =>
      items.map(async (item, i) => ({
        item,
        images: [await imageFile(store, item)],
        turns: turnsOf(item, questions, first + i < cleanCaptions, prompt),
      })),
    ),
  )
  const captions = await cancellable(signal, client, () =>
    client.generate({
      ...worn,
      requests: pictures.map(({ images }) => ({ images, prompt })),
      temperature: 0,
      maxNewTokens,
    }),
  )
  const requests = pictures.flatMap(({ images, turns }) => (turns.length > 0 ? [{ images, turns }] : []))
  const replies =
    requests.length > 0 ? await cancellable(signal, client, () => client.replies({ ...worn, requests })) : []
  let next = 0
  const measured = pictures.map(({ item, turns }, i): MeasuredImage => {
    const said = turns.length > 0 ? (replies[next++] ?? []) : []
    const { text = '', tokens = [], finishReason = 'length' } = captions[i] ?? {}
    const answers = turns.flatMap(({ question }, t) =>
      question ? [{ ...question, answer: parseYesNo(said[t]?.firstWord ?? '') }] : [],
    )
    const clean = said[turns.findIndex(({ question }) => question === undefined)]
    return {
      image: item.name,
      imageHash: item.hash,
      caption: text.trim(),
      numTokens: tokens.length,
      finishReason,
      answers,
      ...(clean ? { clean: { logp: clean.logp, numTokens: clean.numTokens } } : {}),
    }
  })
  let end = 0
  return units.map(({ items }) => {
    end += items.length
    return measured.slice(end - items.length, end)
  })
}

/** A picture's questions, spread over their kinds, and its own caption to be measured. */
function turnsOf({ truth, captions }: DatasetItem, questions: number, withCaption: boolean, prompt: string) {
  const asked = spread(truth?.questions ?? [], questions).map(({ kind, text, answer }) => ({
    prompt: text,
    question: { kind, text, truth: (/^y/i.test(answer) ? 'yes' : 'no') as YesNo },
  }))
  const caption = captions?.at(-1) // the longest way a data set tells the truth comes last
  if (!withCaption || caption === undefined) return asked
  return [...asked, { prompt, completion: caption, question: undefined }]
}

/** The first of each kind, then the second of each, up to a number. */
function spread<T extends { readonly kind: string }>(items: readonly T[], most: number): T[] {
  const seen = new Map<string, number>()
  const placed = items.map((item, order) => {
    const place = seen.get(item.kind) ?? 0
    seen.set(item.kind, place + 1)
    return { item, place, order }
  })
  return placed
    .sort((a, b) => a.place - b.place || a.order - b.order)
    .slice(0, most)
    .map(({ item }) => item)
}
