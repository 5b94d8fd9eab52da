import type { AmberTruth } from '../evaluate/amber.ts'
import { type MarkedText, markNouns } from '../evaluate/mark.ts'
import { type Judge, judgeCaption } from '../evaluate/metrics.ts'
import type { RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { parseRecipe } from './recipe.ts'
import { notesOf } from './run-notes.ts'
import type { RunFile, WatchedView } from './runner.api.ts'
import type { RunSources } from './sources.ts'
import type { DatasetOutput } from './stages/dataset.ts'
import { ADAPTER_FILES, type TrainUnit } from './stages/train.ts'
import { stateUnit, type WatchedTraining } from './stages/watch.ts'
import { openOutput } from './stored-run.ts'
import { evaluationVocabulary, openJudge } from './vocabulary.ts'

/** Reads what models said in the course of their training, with what they invented marked. */
export class WatchedTrainings {
  readonly #store: Store
  /** By the hash of the held-out pictures. */
  readonly #judges = new Map<string, Promise<Judge>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** @returns undefined while a round has not been looked at yet. */
  async read(
    record: RunRecord,
    round: number,
    sources: Pick<RunSources, 'site'>,
  ): Promise<WatchedView | undefined> {
    const watched = (await this.#units(record, round)?.get('watched')) as WatchedTraining | undefined
    const heldout = await openOutput(this.#store, notesOf(record).outputs, {
      stage: 'dataset',
      round: 0,
      part: 'heldout',
    })
    if (!watched || !heldout) return undefined
    const judge = await this.#judge(record, heldout as DatasetOutput, sources)
    const { prompt, pictures, states } = watched
    return {
      prompt,
      pictures: pictures.map(({ name, hash, truth }) => ({
        name,
        hash,
        ...(truth ? { truth: truth.truth } : {}),
      })),
      states: states.map(({ step, answers, isKept }) => ({
        step,
        isKept,
        answers: answers.map((answer, i) => marked(judge, answer.trim(), pictures[i]?.truth)),
      })),
    }
  }

  /** The adapter of a round as it was after so many steps, in PEFT's files; empty where it was not kept. */
  async adapter(record: RunRecord, round: number, step: number): Promise<RunFile[]> {
    const files = (await this.#units(record, round)?.get(stateUnit(step))) as
      | Readonly<Record<string, BlobPart>>
      | undefined
    return ADAPTER_FILES.flatMap((path) => {
      const part = files?.[path]
      return part === undefined ? [] : [{ path, blob: new Blob([part]) }]
    })
  }

  #units(record: RunRecord, round: number) {
    const output = notesOf(record).outputs.find((one) => one.stage === 'train' && one.round === round)
    return output && this.#store.stage<TrainUnit, unknown>(output.kind, output.hash)
  }

  #judge(record: RunRecord, heldout: DatasetOutput, sources: Pick<RunSources, 'site'>): Promise<Judge> {
    const { source } = parseRecipe(record.recipe).evaluate.dataset
    const judge = this.#judges.get(heldout.hash) ?? judgeOf(source, heldout, sources)
    this.#judges.set(heldout.hash, judge)
    judge.catch(() => this.#judges.delete(heldout.hash)) // the next time may be with network
    return judge
  }
}

async function judgeOf(
  source: string,
  heldout: DatasetOutput,
  sources: Pick<RunSources, 'site'>,
): Promise<Judge> {
  const { signal } = new AbortController()
  return await openJudge(await evaluationVocabulary(source, heldout, sources, signal))
}

function marked(judge: Judge, answer: string, truth: AmberTruth | undefined): MarkedText[] {
  if (!truth) return answer === '' ? [] : [{ text: answer }]
  return markNouns(answer, judgeCaption(judge, answer, truth).nouns)
}
