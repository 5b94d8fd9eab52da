import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import { DataError } from './data-error.ts'

const words = v.array(v.string())
const integer = v.pipe(v.number(), v.integer())
const attribute = v.object({
  noun: v.string(),
  colour: v.nullish(v.string()),
  number: integer,
  positions: words,
})
const relation = v.object({ subject: v.string(), relation: v.string(), object: v.string() })
const object = v.object({
  noun: v.string(),
  colour: v.nullish(v.string()),
  x: integer,
  y: integer,
  size: integer,
})
const question = v.object({ kind: v.string(), text: v.string(), answer: v.picklist(['Yes', 'No']) })

export type TruthAttribute = v.InferOutput<typeof attribute>
export type TruthRelation = v.InferOutput<typeof relation>
export type TruthObject = v.InferOutput<typeof object>
/** A question whose right answer is known; `kind` such as `existence`, `number` or `relation`. */
export type TruthQuestion = v.InferOutput<typeof question>

/** What is known of a picture, in AMBER's terms and the columns of emoji-scenes; lists that a dataset lacks are empty. */
export interface ImageTruth {
  readonly place?: string
  /** Nouns that are there. */
  readonly truth: readonly string[]
  /** Nouns that one might expect and that are not there. */
  readonly hallu: readonly string[]
  readonly questions: readonly TruthQuestion[]
  readonly attributes: readonly TruthAttribute[]
  readonly relations: readonly TruthRelation[]
  /** Every object with its centre and size in pixels. */
  readonly objects: readonly TruthObject[]
  /** The text that is written in the picture; null when it is known that there is none. */
  readonly lettering?: string | null
}

const TRUTH = v.looseObject({
  place: v.nullish(v.string()),
  truth: words,
  hallu: v.nullish(words),
  questions: v.nullish(v.array(question)),
  attributes: v.nullish(v.array(attribute)),
  relations: v.nullish(v.array(relation)),
  objects: v.nullish(v.array(object)),
  lettering: v.nullish(v.string()),
})

/** The column of a question's text, where `label` or `answer` says yes or no: POPE's own files have `text`, copies `question`. */
export function questionColumn({
  question,
  text,
  label,
  answer,
}: Readonly<Record<string, unknown>>): 'question' | 'text' | undefined {
  if (!isYesNo(label ?? answer)) return undefined
  return typeof question === 'string' ? 'question' : typeof text === 'string' ? 'text' : undefined
}

/**
 * The yes/no question that a row is, as in POPE's files; undefined for another row.
 * @param kind where the row has no `category`. Default `existence`.
 */
export function questionOfRow(
  values: Readonly<Record<string, unknown>>,
  kind = 'existence',
): TruthQuestion | undefined {
  const column = questionColumn(values)
  if (column === undefined) return undefined
  const { category, label, answer } = values
  return {
    kind: typeof category === 'string' && category !== '' ? category : kind,
    text: String(values[column]),
    answer: /^y/i.test(String(label ?? answer).trim()) ? 'Yes' : 'No',
  }
}

function isYesNo(value: unknown): boolean {
  return typeof value === 'string' && /^(yes|no)$/i.test(value.trim())
}

/** What two sources know of one picture. */
export function joinTruth(a: ImageTruth, b: ImageTruth): ImageTruth {
  const of = <T>(one: readonly T[], other: readonly T[]): readonly T[] => {
    const known = new Set(one.map((item) => JSON.stringify(item)))
    return [...one, ...other.filter((item) => !known.has(JSON.stringify(item)))]
  }
  return {
    ...a,
    ...b,
    truth: of(a.truth, b.truth),
    hallu: of(a.hallu, b.hallu),
    questions: of(a.questions, b.questions),
    attributes: of(a.attributes, b.attributes),
    relations: of(a.relations, b.relations),
    objects: of(a.objects, b.objects),
  }
}

/** A picture's truth when only some of it is known. */
export function truthOf(known: Partial<ImageTruth>): ImageTruth {
  return { truth: [], hallu: [], questions: [], attributes: [], relations: [], objects: [], ...known }
}

/**
 * The truth in a row's columns; undefined for a row that has no column `truth` and is no question.
 * @param kind of a question that does not say its own. Default `existence`.
 * @throws {DataError} naming the column, what was expected and what came.
 */
export function truthOfRow(values: Readonly<Record<string, unknown>>, kind?: string): ImageTruth | undefined {
  const asked = questionOfRow(values, kind)
  if (values.truth === undefined || values.truth === null)
    return asked ? truthOf({ questions: [asked] }) : undefined
  const { place, truth, hallu, questions, attributes, relations, objects, lettering } = readSchema(
    TRUTH,
    values,
    (message) => new DataError(message),
  )
  return truthOf({
    truth,
    hallu: hallu ?? [],
    questions: [...(questions ?? []), ...(asked ? [asked] : [])],
    attributes: attributes ?? [],
    relations: relations ?? [],
    objects: objects ?? [],
    ...(typeof place === 'string' ? { place } : {}),
    ...(lettering === undefined ? {} : { lettering }),
  })
}
