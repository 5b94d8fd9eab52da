import { openFile } from '../data/folder.ts'
import { AmberJudge, type AmberVocabulary } from '../evaluate/amber.ts'
import type { Judge } from '../evaluate/metrics.ts'
import { loadNounFinder } from '../method/nouns.ts'
import type { RunSources } from './sources.ts'
import type { DatasetOutput } from './stages/dataset.ts'

/** The nouns that count in an evaluation. */
export interface EvaluationVocabulary extends AmberVocabulary {
  /** AMBER's own lists, whose nouns are to be found as AMBER's NLTK finds them. */
  readonly likeNltk?: true
}

/** The agreement is measured by test/method/nouns.test.ts. */
const NOUNS_CAVEAT =
  'AMBER’s figures here are not quite those of its own script: nouns are found by wink-nlp, which finds 98.7% of the nouns of AMBER’s ' +
  'vocabulary that its NLTK finds, and NLTK finds 96.1% of those that it finds (of all nouns 91.8% and 94.2%).'
const VECTORS_CAVEAT =
  'AMBER’s step by word vectors is left out: a noun that is not in its lists of what the picture shows counts as invented, however near ' +
  'in meaning.'

/** What figures by a vocabulary differ by from those of a benchmark's own script. */
export function caveatsOf({ likeNltk }: EvaluationVocabulary): readonly string[] {
  return likeNltk ? [NOUNS_CAVEAT, VECTORS_CAVEAT] : [VECTORS_CAVEAT]
}

/** Judges captions by a vocabulary. */
export async function openJudge(vocabulary: EvaluationVocabulary): Promise<Judge> {
  const finder = await loadNounFinder()
  const options = { likeNltk: vocabulary.likeNltk ?? false }
  return { amber: new AmberJudge(vocabulary), nouns: (caption) => finder.nouns(caption, options) }
}

/**
 * The nouns that count in an evaluation: AMBER's lists of the embedded world or of the data set itself, otherwise all words its
 * truth and temptations have, each standing for itself alone.
 */
export async function evaluationVocabulary(
  source: string,
  dataset: DatasetOutput,
  { site }: Pick<RunSources, 'site'>,
  signal: AbortSignal,
): Promise<EvaluationVocabulary> {
  const [, name] = /^embedded:([\w-]+)\//.exec(source) ?? []
  if (name) return await embeddedVocabulary(name, { site }, signal)
  const { amber } = dataset.summary
  if (amber) return { ...amber, likeNltk: true }
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
): Promise<EvaluationVocabulary> {
  const bytes = await openFile({ url: new URL(`data/${name}/amber/relation.json`, site).href }, signal)
  const text = new TextDecoder().decode(await bytes.read(0, bytes.byteLength, signal))
  return { association: JSON.parse(text) as Record<string, string[]>, safeWords: [] }
}
