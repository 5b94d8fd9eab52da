import { html, nothing } from 'lit'
import type { PairRow } from '../pipeline/run-view.ts'
import { editOf, type Standing, standingOf, withEdit, withoutEdit } from './pair-edits-draft.ts'
import type { Json } from './recipe-draft.ts'
import type { PairMark } from './views/pairs.ts'

const NOTES: Readonly<Record<Standing['is'], string>> = {
  struck: 'struck out',
  flipped: 'flipped',
  'was flipped': 'flipped',
  'was added': 'added',
}

export interface MarkContext {
  readonly recipe: Json
  readonly round: number
  readonly locked: boolean
  /** Takes the recipe as an edit leaves it. */
  readonly tell: (recipe: Json) => void
}

/** How a run's pair stands with the recipe's edits, and the buttons that strike it out, flip it, or undo what was done. */
export function pairMark(pair: PairRow, { recipe, round, locked, tell }: MarkContext): PairMark {
  const standing = standingOf(recipe, pair, round)
  const button = (name: string, next: () => Json) =>
    html`<button class="small" ?disabled=${locked} aria-label=${`${name}: ${pair.chosen.trim() || 'ends here'} over ${pair.rejected.trim() || 'ends here'}`}
      @click=${() => tell(next())}>${name}</button>`
  if (!standing) {
    const wasEdited = pair.rule === 'by hand'
    return {
      ...(wasEdited ? { note: 'as the rules have it at the next run' } : {}),
      actions: wasEdited
        ? html`${nothing}`
        : html`${button('Strike out', () => withEdit(recipe, editOf('strike', pair, round)))}
          ${button('Flip', () => withEdit(recipe, editOf('flip', pair, round)))}`,
    }
  }
  const { edit, is } = standing
  return {
    ...(is === 'struck' || is === 'flipped' ? { as: is } : {}),
    note: NOTES[is],
    actions: button('Undo', () => withoutEdit(recipe, edit)),
  }
}
