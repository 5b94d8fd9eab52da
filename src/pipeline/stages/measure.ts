import type { YesNo } from '../../evaluate/yes-no.ts'
import { parseYesNo } from '../../evaluate/yes-no.ts'
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
  { max_new_tokens: maxNewTokens, questions, clean_captions: cleanCaptions }: MeasureSettings,
  { dataset, policy, adapter, prompt, part }: MeasureInputs,
): Promise<MeasureOutput> {
  const spec = {
    stage: 'evaluate',
    part,
    kind: 'results',
    version: 1,
    round: 0,
    settings: { maxNewTokens, questions, cleanCaptions, prompt },
    inputs: {
      dataset: dataset.summary.hash,
      policy: policy.hash,
      ...(adapter ? { adapter: adapter.hash } : {}),
    },
  } as const
  return await runStage<MeasuredImage[], { images: number }>(context, spec, async (units, progress) => {
    const { store, signal } = context
    const total = dataset.summary.images
    let images = 0
    for await (const [chunk, items] of dataset.units.units()) {
      signal.throwIfAborted()
      if (!(await units.has(chunk))) {
        const client = await models.policy()
        const worn = adapter ? { adapter: await models.adapter(adapter) } : {}
        const files = await Promise.all(items.map(async (item) => [await imageFile(store, item)]))
        const captions = await cancellable(signal, client, () =>
          client.generate({
            ...worn,
            requests: files.map((images) => ({ images, prompt })),
            temperature: 0,
            maxNewTokens,
          }),
        )
        const turns = items.map((item, i) => turnsOf(item, questions, images + i < cleanCaptions, prompt))
        const requests = turns.flatMap((asked, i) =>
          asked.length > 0 ? [{ images: files[i] ?? [], turns: asked }] : [],
        )
        const replies =
          requests.length > 0
            ? await cancellable(signal, client, () => client.replies({ ...worn, requests }))
            : []
        let next = 0
        const measured = items.map((item, i): MeasuredImage => {
          const asked = turns[i] ?? []
          const said = asked.length > 0 ? (replies[next++] ?? []) : []
          const { text = '', tokens = [], finishReason = 'length' } = captions[i] ?? {}
          const answers = asked.flatMap(({ question }, t) =>
            question ? [{ ...question, answer: parseYesNo(said[t]?.firstWord ?? '') }] : [],
          )
          const cleanTurn = asked.findIndex(({ question }) => question === undefined)
          const clean = said[cleanTurn]
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
        await units.put(chunk, measured)
      }
      images += items.length
      progress(images, total, 'pictures')
    }
    return { images }
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
