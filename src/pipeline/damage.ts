import type { Kind } from '../store/kinds.ts'
import type { RunRecord, RunStore } from '../store/runs.ts'
import type { Corruption } from '../store/shelf.ts'
import type { Damage, StageName } from './events.ts'
import { notesOf, type PlacedOutput } from './run-notes.ts'

/** To which stage values belong that no output of the run is known to hold. */
const STAGE_OF: Readonly<Partial<Record<Kind, StageName>>> = {
  datasets: 'dataset',
  images: 'dataset',
  thumbnails: 'dataset',
  candidates: 'caption',
  scores: 'score',
  embeddings: 'score',
  pairs: 'pair',
  checkpoints: 'train',
}

/** A stored value that was damaged, and the stage whose it was. @param outputs of the run. */
export function damageOf(
  { kind, key, reason }: Corruption,
  outputs: readonly Pick<PlacedOutput, 'hash' | 'stage'>[] = [],
): Damage {
  const stage = outputs.find(({ hash }) => hash === key[0])?.stage ?? STAGE_OF[kind]
  return {
    ...(stage ? { stage } : {}),
    text: `${kind}/${key.join('/')} was damaged and has been dropped: ${reason}`,
  }
}

/** Kept of one run; of more it says nothing that these do not. */
const MOST_KEPT = 100

/** Damage, and the runs that have what was damaged. */
export interface RunDamage extends Damage {
  readonly runs: readonly string[]
}

/** Notes values that turn out damaged in the records of the runs that have them, and tells of them. */
export class DamageLog {
  readonly #runs: Pick<RunStore, 'list' | 'update'>
  readonly #tell: (damage: RunDamage) => void
  #last: Promise<void> = Promise.resolve()

  constructor(runs: Pick<RunStore, 'list' | 'update'>, tell: (damage: RunDamage) => void) {
    this.#runs = runs
    this.#tell = tell
  }

  /** @param running the run that needed the value; none when it was only looked at. */
  add(found: Corruption, running?: string): void {
    this.#last = this.#last.then(() => this.#note(found, running))
  }

  /** Resolves when all has been told and noted. */
  async settle(): Promise<void> {
    await this.#last
  }

  async #note(found: Corruption, running: string | undefined): Promise<void> {
    // Not even the records can be relied on, nor that there is room for a note in them; it is told in any case.
    const records = await this.#runs.list().catch(() => [])
    const owners = records.filter(
      ({ id, stages }) => id === running || stages.some(({ hash }) => hash === found.key[0]),
    )
    const outputs = owners.flatMap((record) => notesOf(record).outputs)
    const damage = damageOf(found, outputs)
    for (const { id } of owners)
      await this.#runs.update(id, (record) => withDamage(record, damage)).catch(() => {})
    this.#tell({ runs: owners.map(({ id }) => id), ...damage })
  }
}

function withDamage(record: RunRecord, damage: Damage): RunRecord {
  const notes = notesOf(record)
  return { ...record, notes: { ...notes, damage: [...(notes.damage ?? []), damage].slice(-MOST_KEPT) } }
}

/** By name, which is what is left of an error that comes from a worker. */
const LOSSES = ['IncompleteStageError', 'ImageMissingError']

/** Times that work is done anew for what turns out lost. */
const MENDS = 10

/**
 * Does work that reads stored values, and again when one of them turns out damaged: by then it has been dropped, and stages that
 * are run again make what is missing.
 * @throws what the work throws otherwise, or at the eleventh loss.
 */
export async function mended<T>(work: () => Promise<T>): Promise<T> {
  for (let mends = 0; ; mends++) {
    try {
      return await work()
    } catch (error) {
      const isLoss = error instanceof Error && LOSSES.includes(error.name)
      if (!isLoss || mends === MENDS) throw error
    }
  }
}
