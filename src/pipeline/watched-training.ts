import { zipFiles } from '../data/zip-writer.ts'
import type { RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import type { PeftFiles } from '../workers/policy.api.ts'
import { markedText, type RunJudges } from './run-judges.ts'
import { notesOf } from './run-notes.ts'
import type { WatchedView } from './runner.api.ts'
import type { RunSources } from './sources.ts'
import { ADAPTER_FILES, type TrainUnit } from './stages/train.ts'
import { stateUnit, type WatchedTraining } from './stages/watch.ts'
import { UnfinishedRunError } from './stored-run.ts'

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

  /** A zip of the adapter of a round as it was after so many steps, in PEFT's files. @throws {UnfinishedRunError} */
  async adapter(record: RunRecord, round: number, step: number, folder: string): Promise<Blob> {
    const files = (await this.#units(record, round)?.get(stateUnit(step))) as PeftFiles | undefined
    if (!files) {
      throw new UnfinishedRunError(
        `run ${record.id}: expected the adapter after step ${step} of round ${round} to be kept, found none; run it again`,
      )
    }
    return await zipFiles(
      ADAPTER_FILES.map((name) => ({ path: `${folder}/${name}`, read: async () => new Blob([files[name]]) })),
    )
  }

  #units(record: RunRecord, round: number) {
    const output = notesOf(record).outputs.find((one) => one.stage === 'train' && one.round === round)
    return output && this.#store.stage<TrainUnit, unknown>(output.kind, output.hash)
  }
}
