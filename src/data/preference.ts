import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import { DataError, type DataRow } from './data-error.ts'
import { brief, type ImageRef, imageRef } from './images.ts'
import { type RowSource, readRows } from './rows.ts'

/** One part of a chat message; an image part stands for the next of the row's images. */
export type ContentPart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' }

export interface ChatMessage {
  readonly role: string
  readonly content: string | readonly ContentPart[]
}

/** Plain text, taken as it is, or messages for the chat template. */
export type Text = string | readonly ChatMessage[]

interface Example {
  /** File and row, for error messages. */
  readonly where: string
  readonly images: readonly ImageRef[]
  /** The dataset has no image column, for which TRL makes texts ready another way. */
  readonly isTextOnly: boolean
  readonly prompt: Text
}

/** A row of a TRL-style preference dataset. */
export interface PreferenceExample extends Example {
  readonly chosen: Text
  readonly rejected: Text
  /** Factor on the pair's loss, where the dataset has one. */
  readonly weight?: number
}

/** An answer whose log-probability is wanted. */
export interface CompletionExample extends Example {
  readonly completion: Text
  /** The row as it lies in its file or list. */
  readonly values: Readonly<Record<string, unknown>>
}

const part = v.pipe(
  v.looseObject({ type: v.picklist(['text', 'image']), text: v.nullish(v.string()) }),
  v.check(
    ({ type, text }) => type === 'image' || typeof text === 'string',
    'expected text in a part of type text',
  ),
  v.transform(({ type, text }): ContentPart => (type === 'image' ? { type } : { type, text: text ?? '' })),
)
const message = v.object({
  role: v.string(),
  content: either(v.pipe(v.array(part), v.minLength(1))),
})
const text = either(v.pipe(v.array(message), v.minLength(1)))

/** A string or a list, with the list's own messages when a list came. */
function either<T extends v.GenericSchema>(
  list: T,
): v.LazySchema<v.GenericSchema<unknown, string | v.InferOutput<T>>> {
  return v.lazy((input) => (Array.isArray(input) ? list : v.string('a string or a list'))) as never
}

const PREFERENCE = v.looseObject({
  prompt: text,
  chosen: text,
  rejected: text,
  weight: v.nullish(v.pipe(v.number(), v.finite(), v.minValue(0))),
})
const COMPLETION = v.looseObject({ prompt: text, completion: text })

/**
 * Pairs of a TRL-style preference dataset, a file or rows in memory: columns `images` (or `image`), `prompt`, `chosen`,
 * `rejected`, and optionally `weight`; others are passed over. Whether there is an image column the first row tells, as in
 * TRL.
 * @throws {DataError} naming file, row and column, what was expected and what came; also when there is no row.
 */
export async function* readPreferences(
  source: RowSource,
  signal?: AbortSignal,
): AsyncGenerator<PreferenceExample> {
  let isTextOnly: boolean | undefined
  for await (const row of readRows(source, signal)) {
    const { prompt, chosen, rejected, weight } = parse(PREFERENCE, row)
    expectOneKind(row, { prompt, chosen, rejected })
    isTextOnly ??= hasNoImages(row)
    yield {
      where: row.where,
      isTextOnly,
      images: imagesOf(row, isTextOnly),
      prompt,
      chosen,
      rejected,
      ...(typeof weight === 'number' ? { weight } : {}),
    }
  }
  if (isTextOnly === undefined) throw new DataError(`${source.name}: expected at least one pair, got none`)
}

/**
 * Answers to measure, a file or rows in memory: columns `images` (or `image`), `prompt`, `completion`. Whether there is an
 * image column the first row tells.
 * @throws {DataError} naming file, row and column, what was expected and what came; also when there is no row.
 */
export async function* readCompletions(
  source: RowSource,
  signal?: AbortSignal,
): AsyncGenerator<CompletionExample> {
  let isTextOnly: boolean | undefined
  for await (const row of readRows(source, signal)) {
    const { prompt, completion } = parse(COMPLETION, row)
    expectOneKind(row, { prompt, completion })
    isTextOnly ??= hasNoImages(row)
    const images = imagesOf(row, isTextOnly)
    yield { where: row.where, isTextOnly, images, prompt, completion, values: row.values }
  }
  if (isTextOnly === undefined) throw new DataError(`${source.name}: expected at least one row, got none`)
}

function parse<T extends v.GenericSchema>(schema: T, { values, where }: DataRow): v.InferOutput<T> {
  return readSchema(schema, values, (message) => new DataError(`${where}: ${message}`))
}

/** TRL takes rows of plain strings or rows of messages, not both in one. */
function expectOneKind({ where }: DataRow, columns: Readonly<Record<string, Text>>): void {
  const kinds = Object.entries(columns).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? 'a string' : 'a list'}`,
  )
  const isString = Object.values(columns).map((value) => typeof value === 'string')
  if (new Set(isString).size > 1) {
    throw new DataError(
      `${where}: expected all texts as strings or all as lists of messages, got ${kinds.join(', ')}`,
    )
  }
}

function hasNoImages({ values }: DataRow): boolean {
  return !('images' in values || 'image' in values)
}

/** @throws {DataError} also for images of a dataset that has no column for them. */
function imagesOf(row: DataRow, isTextOnly: boolean): ImageRef[] {
  const images = imageRefs(row)
  if (isTextOnly && images.length > 0)
    throw new DataError(
      `${row.where}: expected no images, since the first row has no such column, got ${images.length}; give rows without any "images": []`,
    )
  return images
}

function imageRefs({ where, values }: DataRow): ImageRef[] {
  const { images, image } = values
  const hasImages = images !== undefined && images !== null
  const hasImage = image !== undefined && image !== null
  if (hasImages && hasImage) throw new DataError(`${where}: expected images or image, got both`)
  if (hasImage) return [imageRef(image, `${where}: image`)]
  if (!hasImages) return []
  if (!Array.isArray(images))
    throw new DataError(`${where}: images: expected a list of images, got ${brief(images)}`)
  return images.map((item, i) => imageRef(item, `${where}: images.${i}`))
}
