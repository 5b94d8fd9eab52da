import type { AmberTruth } from '../evaluate/amber.ts'
import { type MarkedText, markNouns } from '../evaluate/mark.ts'
import { type Judge, judgeCaption } from '../evaluate/metrics.ts'
import type { RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { parseRecipe } from './recipe.ts'
import { notesOf } from './run-notes.ts'
import type { RunSources } from './sources.ts'
import type { DatasetOutput } from './stages/dataset.ts'
import { openOutput } from './stored-run.ts'
import { evaluationVocabulary, openJudge } from './vocabulary.ts'

/** The pictures of a run: those that are trained on, and those that are held out. */
export type PicturePart = 'train' | 'heldout'

/** Judges of what is said about a run's pictures, each opened once. */
export class RunJudges {
  readonly #store: Store
  /** By the hash of the pictures. */
  readonly #judges = new Map<string, Promise<Judge>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** @returns undefined while the pictures have not been read. */
  async of(
    record: RunRecord,
    part: PicturePart,
    sources: Pick<RunSources, 'site'>,
  ): Promise<Judge | undefined> {
    const place = { stage: 'dataset', round: part === 'train' ? 1 : 0, part } as const
    const found = await openOutput(this.#store, notesOf(record).outputs, place)
    if (!found) return undefined
    const { dataset, evaluate } = parseRecipe(record.recipe)
    const { source } = part === 'train' ? dataset : evaluate.dataset
    const judge = this.#judges.get(found.hash) ?? open(source, found as DatasetOutput, sources)
    this.#judges.set(found.hash, judge)
    judge.catch(() => this.#judges.delete(found.hash)) // the next time may be with network
    return await judge
  }
}

async function open(
  source: string,
  pictures: DatasetOutput,
  sources: Pick<RunSources, 'site'>,
): Promise<Judge> {
  const { signal } = new AbortController()
  return await openJudge(await evaluationVocabulary(source, pictures, sources, signal))
}

/** A text cut at its nouns, where it is known what its picture shows. */
export function markedText(judge: Judge, text: string, truth: AmberTruth | undefined): MarkedText[] {
  if (!truth) return text === '' ? [] : [{ text }]
  return markNouns(text, judgeCaption(judge, text, truth).nouns)
}
