import * as v from 'valibot'
import { readSchema } from './schema.ts'
import { MethodSettingsError } from './score-settings.ts'

export const QUESTION_KINDS = ['existence', 'colour', 'number', 'relation'] as const
export type QuestionKind = (typeof QUESTION_KINDS)[number]

export const questionSchema = v.strictObject({
  /** Kinds of questions that are asked where a caption supports them. */
  kinds: v.optional(v.array(v.picklist(QUESTION_KINDS)), [...QUESTION_KINDS]),
  /** Most questions of each kind about one image. */
  perKind: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 2),
  /** Of the choice among questions and wrong answers. Default the recipe's seed. */
  seed: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))),
})

/** Settings of questions made from captions. */
export type QuestionSettings = v.InferOutput<typeof questionSchema>

/**
 * Reads settings of questions; unknown keys are errors.
 * @throws {MethodSettingsError} naming the key, what was expected and what came.
 */
export function parseQuestionSettings(json: unknown, where = 'question settings'): QuestionSettings {
  return readSchema(questionSchema, json, (message) => new MethodSettingsError(`${where}: ${message}`))
}
