import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import { ImageFinder } from './image-finder.ts'
import { joinNotes } from './image-notes.ts'
import { type ImageNotes, type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { readJsonFile } from './json-file.ts'
import { truthOf } from './truth.ts'

const id = v.union([v.number(), v.string()])
const COCO = v.looseObject({
  images: v.array(v.looseObject({ id, file_name: v.string() })),
  annotations: v.array(
    v.looseObject({ image_id: id, caption: v.nullish(v.string()), category_id: v.nullish(v.number()) }),
  ),
  categories: v.nullish(v.array(v.looseObject({ id: v.number(), name: v.string() }))),
})

/** Whether a file is named as MS-COCO's annotations are, such as `captions_val2017.json`. */
export function isCocoName(path: string): boolean {
  return /(^|\/)(captions|instances)[^/]*\.json$/i.test(path)
}

/**
 * The images of MS-COCO's annotations files, in their order: captions as they stand (`captions_*.json`), objects as
 * `truth` (`instances_*.json`, each category once), both where two files tell of one image. Annotations are held,
 * images are not.
 * @param images where the images are, at any depth.
 * @throws {DataError} when a file is not as expected.
 */
export async function* readCoco(
  sources: Iterable<ByteSource> | AsyncIterable<ByteSource>,
  images: Folder,
  options: ReadOptions = {},
): AsyncGenerator<ImageRecord> {
  const notes = new Map<string, ImageNotes>()
  for await (const source of sources)
    for (const [name, noted] of await readAnnotations(source, options.signal))
      notes.set(name, joinNotes(notes.get(name), noted))
  const finder = new ImageFinder(images)
  for (const [name, noted] of notes) {
    const record = await readRecord(name, () => finder.open(name, options.signal), noted, options)
    if (record) yield record
  }
}

/** The names of the images an annotations file is about, in its order. @throws {DataError} */
export async function cocoNames(source: ByteSource, signal?: AbortSignal): Promise<string[]> {
  return (await readFile(source, signal)).images.map(({ file_name }) => file_name)
}

async function readFile(source: ByteSource, signal?: AbortSignal): Promise<v.InferOutput<typeof COCO>> {
  const json = await readJsonFile(source, signal)
  return readSchema(COCO, json, (message) => new DataError(`${source.name}: ${message}`))
}

/** What a file says, by the images' names and in their order. */
async function readAnnotations(source: ByteSource, signal?: AbortSignal): Promise<Map<string, ImageNotes>> {
  const coco = await readFile(source, signal)
  const categories = new Map(coco.categories?.map((category) => [category.id, category.name]))
  const captions = new Map<number | string, string[]>()
  const nouns = new Map<number | string, string[]>()
  for (const { image_id, caption, category_id } of coco.annotations) {
    if (typeof caption === 'string') add(captions, image_id, caption.trim())
    const noun = typeof category_id === 'number' ? categories.get(category_id) : undefined
    if (noun !== undefined && !nouns.get(image_id)?.includes(noun)) add(nouns, image_id, noun)
  }
  return new Map(
    coco.images.map(({ id, file_name }) => {
      const said = captions.get(id)
      const seen = nouns.get(id)
      const noted = {
        ...(said ? { captions: said } : {}),
        ...(seen ? { truth: truthOf({ truth: seen }) } : {}),
      }
      return [file_name, noted]
    }),
  )
}

function add<K, T>(lists: Map<K, T[]>, key: K, item: T): void {
  const list = lists.get(key)
  if (list) list.push(item)
  else lists.set(key, [item])
}
