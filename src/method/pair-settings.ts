import * as v from 'valibot'
import { pairEditSchema } from './pair-edits.ts'
import { readSchema } from './schema.ts'
import { MethodSettingsError } from './score-settings.ts'

const threshold = v.nullable(v.pipe(v.number(), v.finite()))
const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))

export const pairSchema = v.strictObject({
  /**
   * `best-worst`: of each prompt's candidates the best against the worst, the paper's; `all`: every two of a prompt's
   * candidates. Candidates that go on from a shared beginning are compared among themselves: sentence-level pairs.
   */
  pairs: v.optional(v.picklist(['best-worst', 'all']), 'best-worst'),
  /** `best-worst` tries this many of the best against as many of the worst and keeps the widest gap that the rules allow. */
  reach: v.optional(count, 1),
  /** Least difference of the two scores (100 x cosine). 2 is the paper's. */
  minGap: v.optional(v.pipe(v.number(), v.minValue(0)), 2),
  /** Least length of the shorter text over the longer's, in words; ending an answer has any length. The paper gives none. */
  minLengthRatio: v.optional(share, 0.6),
  /** Pairs kept of one image, those with the widest gaps; null keeps all. The paper gives none. */
  maxPairsPerImage: v.optional(v.nullable(count), null),
  /** Texts below this score go; null keeps all. The paper has such a threshold and does not give it. */
  minScore: v.optional(threshold, null),
  /** Preferred texts need this score; null asks for none. */
  minChosenScore: v.optional(threshold, null),
  /** Words of a text; answers to questions are measured as statements. null sets no upper bound. */
  minWords: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
  maxWords: v.optional(v.nullable(count), null),
  /** Keep answers that were cut off at the longest length. */
  keepUnfinished: v.optional(v.boolean(), false),
  /** Keep questions that could be asked of any picture, such as "What is in the image?". */
  keepGenericQuestions: v.optional(v.boolean(), false),
  /** Answers to questions below this CLIP score go; null keeps all. The paper has such a threshold and does not give it. */
  minQuestionScore: v.optional(threshold, null),
  /** Images with more writing than this (see `imageTextScore`) go; null keeps all. The paper has such a rule and gives no figure. */
  maxImageText: v.optional(threshold, null),
  /**
   * Negative controls: `flipped` prefers what CLIP does not; `random` prefers one of two candidates drawn whatever their
   * scores, as many pairs of each prompt as the rules give.
   */
  control: v.optional(v.picklist(['none', 'random', 'flipped']), 'none'),
  /** Of the control's draws. Default the recipe's seed. */
  seed: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))),
  /** Pairs struck out, flipped and added by hand, after all rules and before a control. Default none. */
  edits: v.exactOptional(v.array(pairEditSchema)),
})

/** Settings of the stage that makes pairs; the defaults are the paper's where it gives a value. */
export type PairSettings = v.InferOutput<typeof pairSchema>

/**
 * Reads settings of the pair stage; unknown keys are errors.
 * @throws {MethodSettingsError} naming the key, what was expected and what came.
 */
export function parsePairSettings(json: unknown, where = 'pair settings'): PairSettings {
  const settings = readSchema(pairSchema, json, (message) => new MethodSettingsError(`${where}: ${message}`))
  const fault = pairContradiction(settings)
  if (fault !== undefined) throw new MethodSettingsError(`${where}: ${fault}`)
  return settings
}

/** What contradicts itself in settings that are right one by one; undefined where nothing does. */
export function pairContradiction({
  minWords,
  maxWords,
}: Pick<PairSettings, 'minWords' | 'maxWords'>): string | undefined {
  if (maxWords === null || maxWords >= minWords) return undefined
  return `maxWords: expected at least minWords (${minWords}), got ${maxWords}`
}

/**
 * A recipe's pair settings as one round has them: without the edits of other rounds' pairs, and with the recipe's seed for the
 * draws, where there are any and the settings have none.
 */
export function pairSettingsOfRound(
  { edits, ...settings }: PairSettings,
  round: number,
  seed = 0,
): PairSettings {
  const own = edits?.filter((edit) => (edit.round ?? 1) === round)
  const seeded = settings.control === 'random' ? { seed, ...settings } : settings
  return own?.length ? { ...seeded, edits: own } : seeded
}
