import type { RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { markedText, type RunJudges } from './run-judges.ts'
import { notesOf } from './run-notes.ts'
import type { RunFile, WatchedView } from './runner.api.ts'
import type { RunSources } from './sources.ts'
import { ADAPTER_FILES, type TrainUnit } from './stages/train.ts'
import { stateUnit, type WatchedTraining } from './stages/watch.ts'

/** Reads what models said in the course of their training, with what they invented marked. */
export class WatchedTrainings {
  readonly #store: Store
  readonly #judges: RunJudges

  constructor(store: Store, judges: RunJudges) {
    this.#store = store
    this.#judges = judges
  }

  /** @returns undefined while a round has not been looked at yet. */
  async read(
    record: RunRecord,
    round: number,
    sources: Pick<RunSources, 'site'>,
  ): Promise<WatchedView | undefined> {
    const watched = (await this.#units(record, round)?.get('watched')) as WatchedTraining | undefined
    const judge = watched && (await this.#judges.of(record, 'heldout', sources))
    if (!judge) return undefined
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
        answers: answers.map((answer, i) => markedText(judge, answer.trim(), pictures[i]?.truth)),
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
}
