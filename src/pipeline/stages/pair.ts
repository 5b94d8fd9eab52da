import type { PreferencePair } from '../../method/candidate.ts'
import { Funnel, type FunnelStep } from '../../method/funnel.ts'
import { groupBy } from '../../method/group.ts'
import { HandEditing } from '../../method/hand-editing.ts'
import { type UnmatchedEdit, unmatchedNote } from '../../method/pair-edits.ts'
import { type PairSettings, pairSettingsOfRound } from '../../method/pair-settings.ts'
import { pairsOfImage } from '../../method/pairs.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import { type ScoreOutput, scoredChunks } from './score.ts'

export interface PairSummary {
  readonly pairs: number
  readonly candidates: number
  /** What every rule did, in order: `funnel.json`. */
  readonly funnel: readonly FunnelStep[]
  /** Edits by hand that found nothing; absent where there are none. */
  readonly unmatchedEdits?: readonly UnmatchedEdit[]
}

export type PairOutput = StageOutput<PreferencePair[], PairSummary>

/** Rules turn scores into preference pairs. */
export async function pairStage(
  context: StageContext,
  recipe: PairSettings,
  { scores, seed, round }: { scores: ScoreOutput; seed: number; round: number },
): Promise<PairOutput> {
  const settings = pairSettingsOfRound(recipe, round, seed)
  const spec = {
    stage: 'pair',
    kind: 'pairs',
    version: 4,
    round,
    settings,
    inputs: { scores: scores.hash },
  } as const
  return await runStage(context, spec, async (units, progress) => {
    const funnel = new Funnel()
    const editing = new HandEditing(settings.edits)
    const { scored: whole, pastContext, empty } = scores.summary
    const total = whole + pastContext + empty
    let candidates = 0
    let pairs = 0
    for await (const [chunk, scored] of scoredChunks(scores)) {
      context.signal.throwIfAborted()
      const made = [...groupBy(scored.candidates, ({ imageHash }) => imageHash).values()].flatMap((own) =>
        pairsOfImage(own, settings, funnel, (hash) => scored.imageText[hash], editing),
      )
      await units.put(chunk, made)
      candidates += scored.candidates.length
      pairs += made.length
      progress(candidates, total, 'candidates', `${pairs} pairs`)
    }
    const { unmatched } = editing
    for (const edit of unmatched) context.emit({ kind: 'note', text: unmatchedNote(edit) })
    return {
      pairs,
      candidates,
      funnel: funnel.steps,
      ...(unmatched.length > 0 ? { unmatchedEdits: unmatched } : {}),
    }
  })
}
