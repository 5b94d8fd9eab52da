import { openFile } from '../data/folder.ts'
import type { AmberVocabulary } from '../evaluate/amber.ts'
import type { RunSources } from './sources.ts'
import type { DatasetOutput } from './stages/dataset.ts'

/**
 * The nouns that count in an evaluation: AMBER's lists of the embedded world or of the data set itself, otherwise all words its
 * truth and temptations have, each standing for itself alone.
 */
export async function evaluationVocabulary(
  source: string,
  dataset: DatasetOutput,
  { site }: Pick<RunSources, 'site'>,
  signal: AbortSignal,
): Promise<AmberVocabulary> {
  const [, name] = /^embedded:([\w-]+)\//.exec(source) ?? []
  if (name) return await embeddedVocabulary(name, { site }, signal)
  const { amber } = dataset.summary
  if (amber) return amber
  const words = new Set<string>()
  for await (const [, items] of dataset.units.units())
    for (const { truth } of items)
      for (const word of [...(truth?.truth ?? []), ...(truth?.hallu ?? [])]) words.add(word)
  return { association: Object.fromEntries([...words].sort().map((word) => [word, []])), safeWords: [] }
}

/** The nouns of a data set that comes with the page, such as `emoji-scenes`. */
export async function embeddedVocabulary(
  name: string,
  { site }: Pick<RunSources, 'site'>,
  signal: AbortSignal,
): Promise<AmberVocabulary> {
  const bytes = await openFile({ url: new URL(`data/${name}/amber/relation.json`, site).href }, signal)
  const text = new TextDecoder().decode(await bytes.read(0, bytes.byteLength, signal))
  return { association: JSON.parse(text) as Record<string, string[]>, safeWords: [] }
}
