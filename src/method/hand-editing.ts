import type { ScoredCandidate } from './candidate.ts'
import type { Funnel, FunnelEdit } from './funnel.ts'
import { groupBy } from './group.ts'
import type { PairEdit, UnmatchedEdit } from './pair-edits.ts'
import { type CandidatePair, showPair } from './rules.ts'

/** What an edit does to an image's pairs; or, as text, why it does nothing. */
type Effect =
  | { readonly kind: FunnelEdit['kind']; readonly pair: CandidatePair; readonly pairs: CandidatePair[] }
  | string

/**
 * Strikes out, flips and adds pairs as a person has said, image by image; afterwards `unmatched` tells the edits that found
 * nothing, such as those of a pair that other settings no longer make.
 */
export class HandEditing {
  readonly #edits: readonly PairEdit[]
  readonly #ofImage: ReadonlyMap<string, readonly PairEdit[]>
  readonly #applied = new Set<PairEdit>()
  readonly #why = new Map<PairEdit, string>()

  constructor(edits: readonly PairEdit[] = []) {
    this.#edits = edits
    this.#ofImage = groupBy(edits, ({ imageHash }) => imageHash)
  }

  /**
   * The pairs of one image with the edits applied in their order.
   * @param candidates all of the image's, also those the rules removed.
   * @param funnel counts them as the rule `by hand`.
   */
  apply(
    pairs: readonly CandidatePair[],
    candidates: readonly ScoredCandidate[],
    funnel: Funnel,
  ): CandidatePair[] {
    if (this.#edits.length === 0) return [...pairs]
    let edited = [...pairs]
    const done: FunnelEdit[] = []
    for (const edit of this.#ofImage.get(candidates[0]?.imageHash ?? '') ?? []) {
      const effect = effectOf(edit, edited, candidates)
      if (typeof effect === 'string') {
        this.#why.set(edit, effect)
        continue
      }
      edited = effect.pairs
      this.#applied.add(edit)
      done.push({ kind: effect.kind, ...showPair(effect.pair), why: DONE[edit.edit] })
    }
    funnel.edit('by hand', 'pairs', pairs.length, done)
    return edited
  }

  /** The edits that have found nothing, of all images so far. */
  get unmatched(): UnmatchedEdit[] {
    return this.#edits
      .filter((edit) => !this.#applied.has(edit))
      .map((edit) => ({ edit, why: this.#why.get(edit) ?? 'there is no such picture' }))
  }
}

const DONE: Readonly<Record<PairEdit['edit'], string>> = {
  strike: 'struck out by hand',
  flip: 'flipped by hand',
  add: 'added by hand',
}

function effectOf(
  edit: PairEdit,
  pairs: readonly CandidatePair[],
  candidates: readonly ScoredCandidate[],
): Effect {
  const at = pairs.findIndex((pair) => isMeant(edit, pair))
  const pair = pairs[at]
  switch (edit.edit) {
    case 'strike':
      return pair
        ? { kind: 'removed', pair, pairs: pairs.filter((_, i) => i !== at) }
        : 'there is no such pair'
    case 'flip': {
      if (!pair) return 'there is no such pair'
      const flipped = { chosen: pair.rejected, rejected: pair.chosen, isByHand: true }
      return { kind: 'changed', pair: flipped, pairs: pairs.with(at, flipped) }
    }
    case 'add': {
      if (pair) return 'there is such a pair already'
      const chosen = candidates.find((candidate) => isOf(edit, candidate, edit.chosen))
      const rejected = candidates.find((candidate) => isOf(edit, candidate, edit.rejected))
      if (!chosen || !rejected) return `there is no such ${chosen ? 'rejected' : 'chosen'} text`
      if (chosen.score === undefined || rejected.score === undefined)
        return `the ${chosen.score === undefined ? 'chosen' : 'rejected'} text has no score`
      const added = { chosen, rejected, isByHand: true }
      return { kind: 'added', pair: added, pairs: [...pairs, added] }
    }
  }
}

function isMeant(edit: PairEdit, { chosen, rejected }: CandidatePair): boolean {
  return isOf(edit, chosen, edit.chosen) && isOf(edit, rejected, edit.rejected)
}

function isOf({ prompt, context }: PairEdit, candidate: ScoredCandidate, text: string): boolean {
  return candidate.prompt === prompt && candidate.context === context && candidate.text === text
}
