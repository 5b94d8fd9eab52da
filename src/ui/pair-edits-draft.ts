import type { PreferencePair } from '../method/candidate.ts'
import type { PairEdit } from '../method/pair-edits.ts'
import { type Json, valueAt, withValueAt } from './recipe-draft.ts'

/** What a pair is known by, in whatever round. */
export type PairContent = Pick<
  PreferencePair,
  'imageHash' | 'prompt' | 'context' | 'chosen' | 'rejected' | 'rule'
>

/** What a recipe's edits say of a pair that is shown. */
export interface Standing {
  readonly edit: PairEdit
  /** `flipped`: what is shown is still to be flipped; `was flipped` and `was added`: it is shown as the edit left it. */
  readonly is: 'struck' | 'flipped' | 'was flipped' | 'was added'
}

const PATH = 'pair.edits'

/** The edits of a recipe, in their order; other rounds' as well. */
export function editsOf(recipe: unknown): readonly PairEdit[] {
  const edits = valueAt(recipe, PATH)
  return Array.isArray(edits) ? (edits as PairEdit[]) : []
}

/** The edit of a pair by content. @param round of the pair; the first is not written. */
export function editOf(kind: PairEdit['edit'], pair: Omit<PairContent, 'rule'>, round: number): PairEdit {
  const { imageHash, prompt, context, chosen, rejected } = pair
  return {
    edit: kind,
    imageHash,
    prompt,
    ...(context === undefined ? {} : { context }),
    chosen,
    rejected,
    ...(round > 1 ? { round } : {}),
  }
}

/** A recipe with one more edit; the same one again changes nothing. */
export function withEdit(recipe: Json, edit: PairEdit): Json {
  const edits = editsOf(recipe)
  return edits.some((known) => isSame(known, edit)) ? recipe : withValueAt(recipe, PATH, [...edits, edit])
}

/** A recipe without an edit; without the last one there is no list. */
export function withoutEdit(recipe: Json, edit: PairEdit): Json {
  const left = editsOf(recipe).filter((known) => !isSame(known, edit))
  return withValueAt(recipe, PATH, left.length > 0 ? left : undefined)
}

/** What a recipe's edits say of a pair that a run has made; undefined where they say nothing. */
export function standingOf(recipe: Json, pair: PairContent, round: number): Standing | undefined {
  const edits = editsOf(recipe)
  const find = (kind: PairEdit['edit'], content: PairContent): PairEdit | undefined =>
    edits.find((edit) => isSame(edit, editOf(kind, content, round)))
  const struck = find('strike', pair)
  if (struck) return { edit: struck, is: 'struck' }
  if (pair.rule === 'by hand') {
    const added = find('add', pair)
    if (added) return { edit: added, is: 'was added' }
    const flipped = find('flip', { ...pair, chosen: pair.rejected, rejected: pair.chosen })
    if (flipped) return { edit: flipped, is: 'was flipped' }
  }
  const flipped = find('flip', pair)
  return flipped && { edit: flipped, is: 'flipped' }
}

/** Whether two edits are the same, whatever the order of their keys. */
export function isSame(a: PairEdit, b: PairEdit): boolean {
  return keyOf(a) === keyOf(b)
}

function keyOf({ edit, imageHash, prompt, context, chosen, rejected, round = 1 }: PairEdit): string {
  return JSON.stringify([edit, imageHash, prompt, context ?? null, chosen, rejected, round])
}
