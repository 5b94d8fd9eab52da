import { expect, test } from 'vitest'
import type { DatasetOutput } from '../../src/pipeline/stages/dataset.ts'
import { caveatsOf, evaluationVocabulary, openJudge } from '../../src/pipeline/vocabulary.ts'

const AMBER = { association: { cat: ['kitten'] }, safeWords: ['picture'] }
const { signal } = new AbortController()
const datasetOf = (amber?: typeof AMBER): DatasetOutput => {
  const units = {
    async *units() {
      yield ['0', [{ truth: { truth: ['dog', 'cat'], hallu: ['bone'] } }, {}]]
    },
  }
  return { summary: { ...(amber ? { amber } : {}) }, units } as unknown as DatasetOutput
}
const open = (dataset: DatasetOutput) => evaluationVocabulary('given', dataset, { site: '' }, signal)

test('captions about AMBER’s own files are judged by nouns as NLTK finds them, and that is said', async () => {
  const vocabulary = await open(datasetOf(AMBER))
  expect(vocabulary).toEqual({ ...AMBER, likeNltk: true })
  // NLTK's lemmas leave plurals as they are that WordNet lists as words.
  expect((await openJudge(vocabulary)).nouns('A cat sees two men.')).toEqual(['cat', 'men'])
  expect(caveatsOf(vocabulary)).toEqual([
    expect.stringMatching(/wink-nlp.*vocabulary.*of all nouns/),
    expect.stringMatching(/word vectors/),
  ])
})

test('other captions by the words that the pictures’ truth has, and nouns as a reader finds them', async () => {
  const vocabulary = await open(datasetOf())
  expect(vocabulary).toEqual({ association: { bone: [], cat: [], dog: [] }, safeWords: [] })
  expect((await openJudge(vocabulary)).nouns('A cat sees two men.')).toEqual(['cat', 'man'])
  expect(caveatsOf(vocabulary)).toEqual([expect.stringMatching(/word vectors is left out/)])
})
