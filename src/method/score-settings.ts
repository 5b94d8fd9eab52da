import * as v from 'valibot'
import { SCORERS } from './candidate.ts'
import { readSchema } from './schema.ts'

/** A setting of the method is missing, unknown or out of range; the message names it, what it may be and what it was. */
export class MethodSettingsError extends Error {
  override readonly name = 'MethodSettingsError'
}

export const scoreSchema = v.strictObject({
  /**
   * `clip`: the whole text, as the paper does; texts past CLIP's context get no score. `f-clip`: the mean of the whole text's
   * score and each noun phrase's (arXiv 2502.20034). `sentence`: the mean over the sentences (arXiv 2405.14622), for texts of
   * any length.
   */
  scorer: v.optional(v.picklist(SCORERS), 'clip'),
  /** Subtract from every text's score its mean over the other images: CLIP likes some texts whatever the picture. */
  calibrate: v.optional(v.boolean(), false),
  /**
   * What ending the answer scores among candidates for its next sentence: this quantile of the scores of all sentences. The
   * lower, the longer the answers that are preferred.
   */
  stopQuantile: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.5),
  /** Score the questions too, for the rule `question score`. */
  scoreQuestions: v.optional(v.boolean(), true),
})

/** Settings of the stage that scores. */
export type ScoreSettings = v.InferOutput<typeof scoreSchema>

/**
 * Reads settings of the score stage; unknown keys are errors.
 * @throws {MethodSettingsError} naming the key, what was expected and what came.
 */
export function parseScoreSettings(json: unknown, where = 'score settings'): ScoreSettings {
  return readSchema(scoreSchema, json, (message) => new MethodSettingsError(`${where}: ${message}`))
}
