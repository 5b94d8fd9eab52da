import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import { ImageFinder } from './image-finder.ts'
import { type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { readJsonFile, readTextFile } from './json-file.ts'
import { baseName, folderOf } from './paths.ts'
import { type ImageTruth, type TruthQuestion, truthOf } from './truth.ts'

const ANNOTATIONS = v.array(
  v.looseObject({
    id: v.number(),
    type: v.string(),
    truth: v.union([v.picklist(['yes', 'no']), v.array(v.string())]),
    hallu: v.nullish(v.array(v.string())),
  }),
)
const QUERIES = v.array(v.looseObject({ id: v.number(), image: v.string(), query: v.string() }))
const RELATION = v.record(v.string(), v.array(v.string()))

/** AMBER's `type` of an annotation as the kind of a question. */
const KINDS: Readonly<Record<string, string>> = {
  'discriminative-hallucination': 'existence',
  'discriminative-attribute-state': 'state',
  'discriminative-attribute-number': 'number',
  'discriminative-attribute-action': 'action',
  'discriminative-relation': 'relation',
  relation: 'relation',
}

/** AMBER's lists, as `AmberJudge` takes them. */
export interface AmberLists {
  /** `relation.json`. */
  readonly association: Readonly<Record<string, readonly string[]>>
  /** `safe_words.txt`. */
  readonly safeWords: readonly string[]
}

/** AMBER's files in a folder of any depth, images beside or elsewhere in it. */
export interface AmberFiles {
  readonly lists: AmberLists
  /** What AMBER asks for a description, by the image's name. */
  readonly prompts: ReadonlyMap<string, string>
  /** The images that are described, in the order of the queries. */
  records(options?: ReadOptions): AsyncGenerator<ImageRecord>
}

/** The folder AMBER's files are in, with a slash at its end, or undefined when there is none. */
export function amberFolder(paths: readonly string[]): string | undefined {
  const known = new Set(paths)
  return paths
    .filter((path) => baseName(path) === 'annotations.json')
    .map(folderOf)
    .find((folder) => known.has(`${folder}relation.json`))
}

/**
 * Reads AMBER's `annotations.json`, `relation.json`, `safe_words.txt` and `query_*.json` (`query_all.json`, or
 * `query_generative.json` and those for the questions). Annotations are held, images are not.
 * @throws {DataError} when a file is missing or not as expected.
 */
export async function openAmber(folder: Folder, signal?: AbortSignal): Promise<AmberFiles> {
  const paths = folder.paths ?? []
  const at = amberFolder(paths)
  if (at === undefined)
    throw new DataError(`${folder.name}: expected AMBER's annotations.json and relation.json, found none`)
  const json = async <T extends v.GenericSchema>(path: string, schema: T): Promise<v.InferOutput<T>> => {
    const source = await folder.open(path, signal)
    if (!source) throw new DataError(`${folder.name}: expected a file ${path}, found none`)
    const value = await readJsonFile(source, signal)
    return readSchema(schema, value, (message) => new DataError(`${source.name}: ${message}`))
  }
  const queryFiles = paths.filter((path) => folderOf(path) === at && /^query_.*\.json$/.test(baseName(path)))
  const all = queryFiles.filter((path) => baseName(path) === 'query_all.json')
  const queries = new Map<number, v.InferOutput<typeof QUERIES>[number]>()
  for (const path of all.length > 0 ? all : queryFiles)
    for (const query of await json(path, QUERIES)) queries.set(query.id, query)
  if (queries.size === 0)
    throw new DataError(`${folder.name}: expected AMBER's query_generative.json, found no queries`)
  const { truths, prompts } = joined(await json(`${at}annotations.json`, ANNOTATIONS), queries, folder.name)
  const safe = await folder.open(`${at}safe_words.txt`, signal)
  const safeWords = safe ? (await readTextFile(safe, signal)).split('\n').map((word) => word.trim()) : []
  return {
    lists: {
      association: await json(`${at}relation.json`, RELATION),
      safeWords: safeWords.filter((word) => word !== ''),
    },
    prompts,
    async *records(options = {}) {
      const finder = new ImageFinder(folder)
      for (const [image, truth] of truths) {
        const record = await readRecord(image, () => finder.open(image, options.signal), { truth }, options)
        if (record) yield record
      }
    },
  }
}

/** Annotations and queries by image. Those of one image may lie far apart. */
function joined(
  annotations: v.InferOutput<typeof ANNOTATIONS>,
  queries: ReadonlyMap<number, v.InferOutput<typeof QUERIES>[number]>,
  name: string,
): { truths: Map<string, ImageTruth>; prompts: Map<string, string> } {
  const described = new Map<string, Pick<ImageTruth, 'truth' | 'hallu'>>()
  const questions = new Map<string, TruthQuestion[]>()
  const prompts = new Map<string, string>()
  for (const { id, type, truth, hallu } of annotations) {
    const query = queries.get(id)
    if (!query) continue // the user may have the generative queries alone
    const { image, query: text } = query
    if (typeof truth !== 'string') {
      described.set(image, { truth, hallu: hallu ?? [] })
      prompts.set(image, text)
      continue
    }
    const kind = KINDS[type]
    if (kind === undefined)
      throw new DataError(
        `${name}: annotation ${id}: expected a type of ${Object.keys(KINDS).join(', ')}, got ${type}`,
      )
    const list = questions.get(image) ?? []
    questions.set(image, list)
    list.push({ kind, text, answer: truth === 'yes' ? 'Yes' : 'No' })
  }
  const images = new Set([...described.keys(), ...questions.keys()])
  const truths = [...images].map(
    (image) => [image, truthOf({ ...described.get(image), questions: questions.get(image) ?? [] })] as const,
  )
  return { truths: new Map(truths), prompts }
}
