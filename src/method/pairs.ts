import type { PreferencePair, ScoredCandidate } from './candidate.ts'
import { mergeDuplicates } from './duplicates.ts'
import { Funnel, type FunnelStep } from './funnel.ts'
import { groupBy } from './group.ts'
import { HandEditing } from './hand-editing.ts'
import type { UnmatchedEdit } from './pair-edits.ts'
import type { PairSettings } from './pair-settings.ts'
import { philox4x32 } from './random.ts'
import {
  type CandidatePair,
  candidateRules,
  gapOf,
  type ImageTextOf,
  lengthRatio,
  pairRules,
  showCandidate,
  showPair,
} from './rules.ts'
import { byChoice, choiceKey } from './scores.ts'

export interface FormedPairs {
  readonly pairs: PreferencePair[]
  /** What every rule did, in order: `funnel.json`. */
  readonly funnel: FunnelStep[]
  /** Edits by hand that found nothing. */
  readonly unmatchedEdits: UnmatchedEdit[]
}

/**
 * Makes preference pairs of scored candidates: the rules on candidates, then which pairs to form, then the rules on pairs, then
 * the most of one image, then what was edited by hand.
 * @param imageText how much writing an image shows; asked only where `maxImageText` is set.
 * @throws {RangeError} when a rule's figure is missing.
 */
export function formPairs(
  candidates: readonly ScoredCandidate[],
  settings: PairSettings,
  imageText: ImageTextOf = () => undefined,
): FormedPairs {
  const funnel = new Funnel()
  const images = groupBy(candidates, ({ imageHash }) => imageHash)
  const editing = new HandEditing(settings.edits)
  const pairs = [...images.values()].flatMap((own) => pairsOfImage(own, settings, funnel, imageText, editing))
  return { pairs, funnel: funnel.steps, unmatchedEdits: editing.unmatched }
}

/**
 * The pairs of one image, so that no more than one image's candidates need be held.
 * @param funnel counts on. @param editing the settings' edits, which tells at the end what was not found. Default not told.
 */
export function pairsOfImage(
  candidates: readonly ScoredCandidate[],
  settings: PairSettings,
  funnel: Funnel,
  imageText: ImageTextOf = () => undefined,
  editing = new HandEditing(settings.edits),
): PreferencePair[] {
  let kept = mergeDuplicates(candidates, funnel)
  for (const { name, why } of candidateRules(settings, imageText)) {
    kept = funnel.filter(name, 'candidates', kept, why, showCandidate)
  }
  const choices = byChoice(kept)
  let pairs = compared(choices, settings, funnel)
  for (const { name, why } of pairRules(settings)) pairs = funnel.filter(name, 'pairs', pairs, why, showPair)
  if (settings.pairs === 'best-worst' && settings.reach > 1) pairs = widestOfEachChoice(pairs, funnel)
  if (settings.maxPairsPerImage !== null) pairs = widestOfImage(pairs, settings.maxPairsPerImage, funnel)
  pairs = editing.apply(pairs, candidates, funnel)
  return controlled(pairs, choices, settings).map((pair) => preference(pair, settings))
}

/** The pairs that are compared at all, the better first, of all pairs of different texts that a choice has. */
function compared(
  choices: readonly (readonly ScoredCandidate[])[],
  { pairs, reach }: PairSettings,
  funnel: Funnel,
): CandidatePair[] {
  const best = new Set<ScoredCandidate>()
  const worst = new Set<ScoredCandidate>()
  const all = choices.flatMap((choice) => {
    const ranked = [...choice].sort((a, b) => (b.score as number) - (a.score as number))
    for (const candidate of ranked.slice(0, reach)) best.add(candidate)
    for (const candidate of ranked.slice(-reach)) worst.add(candidate)
    return ranked.flatMap((chosen, i) => ranked.slice(i + 1).map((rejected) => ({ chosen, rejected })))
  })
  // Counted also where an image has no choices, so that the rules stand in the order in which they apply.
  if (pairs === 'all') return funnel.filter('all', 'pairs', all, () => undefined, showPair)
  return funnel.filter(
    'best-worst',
    'pairs',
    all,
    ({ chosen, rejected }) =>
      best.has(chosen) && worst.has(rejected) ? undefined : 'not the best against the worst',
    showPair,
  )
}

function widestOfEachChoice(pairs: readonly CandidatePair[], funnel: Funnel): CandidatePair[] {
  const widest = new Set(
    [...groupBy(pairs, ({ chosen }) => choiceKey(chosen)).values()].map((own) => byGap(own)[0]),
  )
  return funnel.filter(
    'one pair of a prompt',
    'pairs',
    pairs,
    (pair) => (widest.has(pair) ? undefined : `gap ${gapOf(pair).toFixed(1)} is not the widest`),
    showPair,
  )
}

function widestOfImage(pairs: readonly CandidatePair[], most: number, funnel: Funnel): CandidatePair[] {
  const widest = new Set(byGap(pairs).slice(0, most))
  return funnel.filter(
    'pairs of an image',
    'pairs',
    pairs,
    (pair) =>
      widest.has(pair) ? undefined : `gap ${gapOf(pair).toFixed(1)} is not among the ${most} widest`,
    showPair,
  )
}

/** The widest gap first, the earlier first among equals. */
function byGap(pairs: readonly CandidatePair[]): CandidatePair[] {
  return [...pairs].sort((a, b) => gapOf(b) - gapOf(a))
}

/** The pairs as the negative controls have them; as they are without a control. */
function controlled(
  pairs: readonly CandidatePair[],
  choices: readonly ScoredCandidate[][],
  settings: PairSettings,
): CandidatePair[] {
  if (settings.control === 'none') return [...pairs]
  if (settings.control === 'flipped') {
    return pairs.map(({ chosen, rejected }) => ({ chosen: rejected, rejected: chosen }))
  }
  const counts = new Map<string, number>()
  for (const { chosen } of pairs) counts.set(choiceKey(chosen), (counts.get(choiceKey(chosen)) ?? 0) + 1)
  return choices.flatMap((choice) => {
    const key = choiceKey(choice[0] as ScoredCandidate)
    return drawnPairs(choice, counts.get(key) ?? 0, key, settings)
  })
}

/** Pairs of one choice in random order and drawn without regard to score, of lengths as alike as the rules ask. */
function drawnPairs(
  choice: readonly ScoredCandidate[],
  count: number,
  key: string,
  { seed = 0, minLengthRatio }: PairSettings,
): CandidatePair[] {
  const place = hash(key)
  return choice
    .flatMap((a, i) => choice.slice(i + 1).map((b) => [a, b] as const))
    .map(([a, b], i) => {
      const [order, coin] = philox4x32([i, place, 0, 0], [seed, PURPOSE])
      return { order, pair: coin % 2 === 0 ? { chosen: a, rejected: b } : { chosen: b, rejected: a } }
    })
    .filter(({ pair }) => lengthRatio(pair) >= minLengthRatio)
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ pair }) => pair)
}

/** Marks the generator's use for the random control. */
const PURPOSE = 0x7061_6972

/** FNV-1a of a text's UTF-16 units, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

function preference(
  { chosen, rejected, isByHand }: CandidatePair,
  { pairs, control }: PairSettings,
): PreferencePair {
  const cut = { chosen, rejected }
  const unfinished = (['chosen', 'rejected'] as const).filter((side) => cut[side].finishReason === 'length')
  const verbatim = chosen.verbatim ?? rejected.verbatim
  return {
    images: [chosen.image],
    imageHash: chosen.imageHash,
    prompt: chosen.prompt,
    chosen: chosen.text,
    rejected: rejected.text,
    chosenScore: chosen.score as number,
    rejectedScore: rejected.score as number,
    gap: gapOf({ chosen, rejected }),
    rule: control !== 'none' ? control : isByHand ? 'by hand' : pairs,
    ...(chosen.context === undefined ? {} : { context: chosen.context }),
    ...(unfinished.length > 0 ? { unfinished } : {}),
    ...(verbatim ? { verbatim } : {}),
  }
}
