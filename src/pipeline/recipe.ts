import * as v from 'valibot'
import { type LoraSettings, parseLoraConfig } from '../data/peft.ts'
import { pairSchema } from '../method/pair-settings.ts'
import { questionSchema, questionWriterSchema } from '../method/question-settings.ts'
import { readSchema } from '../method/schema.ts'
import { scoreSchema } from '../method/score-settings.ts'
import { parseTrainerConfig, type TrainerConfig } from '../method/trainer-config.ts'
import { contradictions } from './recipe-contradictions.ts'

/** A recipe that does not fully describe a run; the message names every faulty path, what was expected and what came. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError'
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const fromZero = v.pipe(v.number(), v.integer(), v.minValue(0))
const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))
const text = v.pipe(v.string(), v.minLength(1))
const sha256 = v.pipe(
  v.string(),
  v.check((hash) => /^[0-9a-f]{64}$/.test(hash), 'expected 64 hexadecimal digits'),
)

const fromZeroToOne = v.pipe(v.number(), v.minValue(0), v.maxValue(1))

/** Pictures, and which of them. */
const dataset = v.strictObject({
  /**
   * `embedded:NAME/SPLIT` for what comes with the page (`embedded:emoji-scenes/train`), the name of a set the user gives,
   * or an address or path: a folder, a zip, a parquet file, JSON lines, COCO captions, a tar.
   */
  source: text,
  /** SHA-256 that what the source holds must have, see `datasetVersion`. Default any. */
  sha256: v.optional(sha256),
  /**
   * Some of the pictures by their contents, from 0 to 1: `[0, 0.8]` and `[0.8, 1]` share none, whatever the pictures are called
   * and in whatever order or company they come. Default all.
   */
  share: v.optional(
    v.pipe(
      v.tuple([fromZeroToOne, fromZeroToOne]),
      v.check(([from, to]) => from < to, 'expected the first number to be lower than the second'),
    ),
  ),
  /** Pictures of these passed over at the beginning. Default 0. */
  skip: v.optional(fromZero, 0),
  /** Most pictures taken. Default all. */
  limit: v.optional(count),
})

const model = v.strictObject({
  /**
   * `embedded:NAME`, the name of a model the user gives, the address or path of a folder in the hub's layout, or the hub's
   * `OWNER/NAME`, `OWNER/NAME@REVISION`.
   */
  source: text,
  /** SHA-256 the model must have, see `modelHash`. Default any. */
  sha256: v.optional(sha256),
  /** How a policy's weights are kept on the GPU. Default f32. */
  weights: v.optional(v.picklist(['f32', 'f16', 'int8', 'int4'])),
})

const questions = v.strictObject({
  ...questionSchema.entries,
  /**
   * A text model that writes questions and answers from the captions, as Mistral-7B does in the paper, and how it is asked; any
   * folder with a Llama, Mistral, Qwen 2 or Qwen 3. Default none: templates make them.
   */
  writer: v.optional(v.nullable(v.strictObject({ ...model.entries, ...questionWriterSchema.entries })), null),
})

const caption = v.strictObject({
  /** What is asked about every picture. The paper has five prompts, not published. */
  prompts: v.pipe(v.array(text), v.minLength(1)),
  /** Answers drawn for each prompt. Default 5. */
  samples: v.optional(fromZero, 5),
  /** The greedy answer is a candidate too. Default true. */
  greedy: v.optional(v.boolean(), true),
  temperature: v.optional(v.pipe(v.number(), v.gtValue(0)), 0.7),
  top_p: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), 1),
  max_new_tokens: v.optional(count, 96),
  /**
   * What a candidate is: a whole `answer`, or the next `sentence` after each beginning of the greedy answer, where stopping
   * is a candidate as well (as in arXiv 2507.12455). Default answer.
   */
  unit: v.optional(v.picklist(['answer', 'sentence']), 'answer'),
  /**
   * Questions about each picture with a right and a wrong answer, made from the policy's own captions of it. Default none; `{}`
   * asks some of every kind by templates.
   */
  questions: v.optional(v.nullable(questions), null),
})

/** The trainer's settings under TRL's names, and the adapter's under PEFT's in `peft`. */
const train = v.looseObject({ peft: v.optional(v.looseObject({}), {}) })

const evaluate = v.strictObject({
  /** Pictures that were not trained on. Where nothing is known of what they show, nothing is said of hallucination. */
  dataset,
  /** Others that were not trained on and of which no figures are made: captions before and after, side by side. Default none. */
  shown: v.optional(dataset),
  /** What is asked for the captions. Default the first of `caption.prompts`. */
  prompt: v.optional(text),
  max_new_tokens: v.optional(count, 96),
  /** Yes/no questions for each picture that has some; null asks all. Default null. */
  questions: v.optional(v.nullable(fromZero), null),
  /** Single objects, for zero-shot classification. Default none. */
  zero_shot: v.optional(v.nullable(dataset), null),
  /** Pictures on whose own captions the loss is measured, before and after. Default 200. */
  clean_captions: v.optional(fromZero, 200),
  /** Resamples of the bootstrap. Default 1000. */
  bootstrap: v.optional(count, 1000),
  /**
   * The adapter as it was on the way, after so many steps of a round's training; one of those at which the training was looked
   * at. Default the finished one.
   */
  adapter: v.optional(v.strictObject({ round: v.optional(count, 1), step: count })),
})

const schema = v.strictObject({
  name: text,
  /** For people: what this recipe is, and where its values come from. */
  notes: v.optional(v.union([v.string(), v.array(v.string())])),
  /** Keys every random number of the run. Default 0. */
  seed: v.optional(seed, 0),
  dataset,
  policy: model,
  clip: model,
  /** Other models that write candidates, as the paper's do. Default none. */
  captioners: v.optional(v.array(model), []),
  /** Times to caption, score, pair and train, each from where the last one ended. Default 1. */
  rounds: v.optional(count, 1),
  caption,
  score: v.optional(scoreSchema, {}),
  pair: v.optional(pairSchema, {}),
  train,
  evaluate,
})

type Read = v.InferOutput<typeof schema>

/** All that determines a run, with its defaults filled in. */
export interface Recipe extends Omit<Read, 'train'> {
  readonly train: { readonly config: TrainerConfig; readonly peft: LoraSettings }
}

export type DatasetRef = Read['dataset']
export type ModelRef = Read['policy']
export type CaptionSettings = Read['caption']
export type QuestionsRef = NonNullable<CaptionSettings['questions']>
export type EvaluateSettings = Read['evaluate']

/**
 * Reads a recipe; unknown keys are errors, and so are settings that contradict each other.
 * @param json the parsed document.
 * @throws {RecipeError} naming the paths, what was expected and what came.
 */
export function parseRecipe(json: unknown, where = 'recipe'): Recipe {
  const faults: string[] = []
  const read = <T>(part: () => T): T | undefined => {
    try {
      return part()
    } catch (cause) {
      faults.push(cause instanceof Error ? cause.message : String(cause))
      return undefined
    }
  }
  const recipe = read(() => readSchema(schema, json, (message) => new RecipeError(message)))
  // Faults of the training are told with all others.
  const given = recipe ?? (json as { train?: unknown } | null)
  const { peft = {}, ...settings } = v.is(train, given?.train) ? given.train : {}
  const config = read(() =>
    parseTrainerConfig({ ...(recipe ? { seed: recipe.seed } : {}), ...settings }, 'train'),
  )
  read(() => parseLoraConfig(peft, 'train.peft'))
  if (recipe) faults.push(...contradictions(recipe))
  if (!recipe || !config || faults.length > 0) throw new RecipeError(`${where}: ${faults.join('; ')}`)
  return { ...recipe, train: { config, peft: recipe.train.peft } }
}

/** A recipe as the document it is read from, its defaults filled in: `parseRecipe` gives the same recipe again. */
export function recipeJson(recipe: Recipe): Record<string, unknown> {
  const { config, peft } = recipe.train
  return { ...recipe, train: { ...config, peft } }
}
