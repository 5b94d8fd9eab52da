import * as v from 'valibot'
import { readSchema } from './schema.ts'
import { MethodSettingsError } from './score-settings.ts'
import { QUESTION_PROMPT } from './written-questions.ts'

export const QUESTION_KINDS = ['existence', 'colour', 'number', 'relation'] as const
export type QuestionKind = (typeof QUESTION_KINDS)[number]

const count = v.pipe(v.number(), v.integer(), v.minValue(1))

export const questionSchema = v.strictObject({
  /** Most questions about one image, whoever writes them. Default all that the templates find, or 4 of a model. */
  perImage: v.optional(v.nullable(count), null),
  /** Kinds of questions that templates ask where a caption supports them. */
  kinds: v.optional(v.array(v.picklist(QUESTION_KINDS)), [...QUESTION_KINDS]),
  /** Most questions of each kind that templates ask about one image. */
  perKind: v.optional(count, 2),
  /** Of the choice among questions and wrong answers, and of what a model draws. Default the recipe's seed. */
  seed: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))),
})

/** How a text model is asked for questions. */
export const questionWriterSchema = v.strictObject({
  /** What it is told: `{captions}` stands for an image's captions, a line each, `{count}` for how many questions are wanted. */
  prompt: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => text.includes('{captions}'), 'expected {captions} in the place of the captions'),
    ),
    QUESTION_PROMPT,
  ),
  /** 0 takes the likeliest words. */
  temperature: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  max_new_tokens: v.optional(count, 256),
})

/** Settings of questions made from captions. */
export type QuestionSettings = v.InferOutput<typeof questionSchema>
export type QuestionWriterSettings = v.InferOutput<typeof questionWriterSchema>

/**
 * Reads settings of questions; unknown keys are errors.
 * @throws {MethodSettingsError} naming the key, what was expected and what came.
 */
export function parseQuestionSettings(json: unknown, where = 'question settings'): QuestionSettings {
  return readSchema(questionSchema, json, (message) => new MethodSettingsError(`${where}: ${message}`))
}
