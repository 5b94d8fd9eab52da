import { IncompleteStageError } from '../store/errors.ts'
import type { Kind } from '../store/kinds.ts'
import type { RunStore } from '../store/runs.ts'
import type { Corruption } from '../store/shelf.ts'
import type { Damage, RunEvent, StageName } from './events.ts'
import { ImageMissingError } from './image-file.ts'
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

/** Tells of values that turn out damaged while a run is under way, and notes them in its record. */
export class DamageLog {
  readonly #runs: Pick<RunStore, 'get' | 'update'>
  readonly #id: string
  readonly #emit: (event: RunEvent) => void
  #last: Promise<void> = Promise.resolve()

  constructor(runs: Pick<RunStore, 'get' | 'update'>, id: string, emit: (event: RunEvent) => void) {
    this.#runs = runs
    this.#id = id
    this.#emit = emit
  }

  add(found: Corruption): void {
    this.#last = this.#last.then(() => this.#note(found))
  }

  /** Resolves when all has been told and noted. */
  async settle(): Promise<void> {
    await this.#last
  }

  async #note(found: Corruption): Promise<void> {
    // Not even the record can be relied on, nor that there is room for a note in it; it is told in any case.
    const run = await this.#runs.get(this.#id).catch(() => undefined)
    const damage = damageOf(found, run && notesOf(run).outputs)
    this.#emit({ kind: 'damage', ...damage })
    if (!run) return
    await this.#runs
      .update(this.#id, (record) => {
        const notes = notesOf(record)
        return { ...record, notes: { ...notes, damage: [...(notes.damage ?? []), damage].slice(-MOST_KEPT) } }
      })
      .catch(() => {})
  }
}

/** Times that work is done anew for what turns out lost. */
const MENDS = 3

/**
 * Does work that reads stored values, and again when one of them turns out damaged: by then it has been dropped, and stages that
 * are run again make what is missing.
 * @throws what the work throws otherwise, or at the fourth loss.
 */
export async function mended<T>(work: () => Promise<T>): Promise<T> {
  for (let mends = 0; ; mends++) {
    try {
      return await work()
    } catch (error) {
      const isLoss = error instanceof IncompleteStageError || error instanceof ImageMissingError
      if (!isLoss || mends === MENDS) throw error
    }
  }
}
