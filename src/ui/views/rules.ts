import type { PairSettings } from '../../method/pair-settings.ts'

/** A rule of the funnel for people. */
export interface RuleText {
  /** What the rule takes, or what it compares. */
  readonly name: string
  /** What it does, in one plain sentence. */
  readonly meaning: string
  /** How it is set, such as `at least 4`; undefined where there is nothing to say. */
  readonly setting?: (settings: PairSettings) => string | undefined
}

const atLeast = (least: number | null): string | undefined =>
  least === null ? undefined : `at least ${least}`
const atMost = (most: number | null): string | undefined => (most === null ? undefined : `at most ${most}`)

/** By the rule's name in the funnel. */
export const RULES: Readonly<Record<string, RuleText>> = {
  duplicates: { name: 'duplicates', meaning: 'The same text to the same question counts once.' },
  'image contains text': {
    name: 'writing in the picture',
    meaning: 'Writing in a picture raises CLIP’s score of texts that repeat it, so such pictures go.',
    setting: ({ maxImageText }) => atMost(maxImageText),
  },
  'finish reason length': {
    name: 'cut off',
    meaning: 'Answers cut off at the longest length do not show how the model would have ended them.',
    setting: ({ keepUnfinished }) => (keepUnfinished ? 'kept' : undefined),
  },
  empty: {
    name: 'no words',
    meaning: 'Answers that say nothing cannot be scored.',
  },
  'past CLIP context': {
    name: 'too long for CLIP',
    meaning: 'CLIP cannot read texts longer than its context to their end.',
  },
  'absolute score': {
    name: 'low score',
    meaning: 'Texts that fit the picture too badly in themselves go.',
    setting: ({ minScore }) => atLeast(minScore),
  },
  length: {
    name: 'number of words',
    meaning: 'Texts with too few or too many words go.',
    setting: ({ minWords, maxWords }) =>
      [atLeast(minWords), atMost(maxWords)].filter((part) => part !== undefined).join(', '),
  },
  'generic question': {
    name: 'question of any picture',
    meaning: 'Questions that could be asked of any picture teach nothing about this one.',
    setting: ({ keepGenericQuestions }) => (keepGenericQuestions ? 'kept' : undefined),
  },
  'question score': {
    name: 'low score of the question',
    meaning: 'Questions that do not fit the picture go.',
    setting: ({ minQuestionScore }) => atLeast(minQuestionScore),
  },
  'best-worst': {
    name: 'best against worst',
    meaning: 'Of each prompt’s candidates, only the best against the worst are compared.',
    setting: ({ reach }) => (reach > 1 ? `${reach} of each` : undefined),
  },
  all: { name: 'every two', meaning: 'Every two of a prompt’s candidates are compared.' },
  'wrong answer': {
    name: 'wrong answer',
    meaning: 'An answer made wrong is never preferred to one made right.',
  },
  gap: {
    name: 'gap',
    meaning: 'CLIP must tell the two texts apart by at least this much.',
    setting: ({ minGap }) => atLeast(minGap),
  },
  'length ratio': {
    name: 'length ratio',
    meaning: 'Two texts of unlike lengths would teach the length and not the truth.',
    setting: ({ minLengthRatio }) => atLeast(minLengthRatio),
  },
  'chosen score': {
    name: 'low score of the chosen',
    meaning: 'What is preferred must be good in itself, not only better.',
    setting: ({ minChosenScore }) => atLeast(minChosenScore),
  },
  'one pair of a prompt': {
    name: 'one pair a prompt',
    meaning: 'Of each prompt’s pairs the one with the widest gap stays.',
  },
  'pairs of an image': {
    name: 'pairs a picture',
    meaning: 'Of each picture’s pairs those with the widest gaps stay.',
    setting: ({ maxPairsPerImage }) => atMost(maxPairsPerImage),
  },
  'by hand': {
    name: 'by hand',
    meaning: 'What a person has struck out, flipped or added; the recipe lists it.',
  },
}
