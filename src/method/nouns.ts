import type { ItsFunction } from 'wink-nlp'
import { nounFlags, type TaggedWord } from './noun-tags.ts'

/** A noun phrase as it stands in a text. */
export interface NounPhrase {
  /** Such as "two red cars". */
  readonly text: string
  /** Its last noun, singular and in lower case. */
  readonly noun: string
}

/** Finds the nouns and noun phrases of English texts. */
export interface NounFinder {
  /**
   * Nouns in order, repetitions kept, as AMBER counts them: singular, in lower case.
   * @param options.likeNltk keeps what NLTK 3.8 does and a reader would not: capitalised words keep their form ("Cats"), so
   * do plurals that WordNet lists as words ("men", "teeth"), and "orange" is always a noun. Default false.
   */
  nouns(text: string, options?: { readonly likeNltk?: boolean }): string[]
  /**
   * Noun phrases as they stand, each once, such as "a red car": articles, numbers, adjectives and nouns up to the last noun.
   * Left out are names of the picture itself ("the image") and of places in it ("the top left corner"), which no picture
   * fits better than another.
   */
  phrases(text: string): NounPhrase[]
}

let loading: Promise<NounFinder> | undefined

/**
 * The finder, on wink-nlp's English web model (about 1 MB compressed, loaded at the first call only). Runs in Node, on a page and
 * in a worker.
 */
export function loadNounFinder(): Promise<NounFinder> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

interface Word extends TaggedWord {
  readonly lemma: string
  readonly isNoun: boolean
}

async function load(): Promise<NounFinder> {
  const [wink, model] = await Promise.all([import('wink-nlp'), import('wink-eng-lite-web-model')])
  const nlp = wink.default(model.default, ['sbd', 'pos'])
  const itsLemma = nlp.its.lemma as unknown as ItsFunction<string> // whose own types do not fit each other
  const read = (text: string): Word[] => {
    const tokens = nlp.readDoc(text).tokens()
    const words = tokens.out()
    const tags = tokens.out(nlp.its.pos)
    const lemmas = tokens.out(itsLemma)
    const spellings = tokens.out(nlp.its.normal)
    const tagged = words.map((word, i) => ({ word, tag: tags[i] ?? '' }))
    const flags = nounFlags(tagged)
    return tagged.map(({ word, tag }, i) => {
      // The model's lemma is of its own part of speech and its own spelling ("donut").
      const isOwn = /^(NOUN|PROPN)$/.test(tag) && spellings[i] === word.toLowerCase()
      return { word, tag, isNoun: flags[i] === true, lemma: isOwn ? (lemmas[i] ?? word) : singular(word) }
    })
  }
  return {
    nouns: (text, { likeNltk = false } = {}) =>
      read(text).flatMap((word) => (likeNltk ? nltkNoun(word) : word.isNoun ? [word.lemma] : [])),
    phrases: (text) => phrasesOf(read(text)),
  }
}

function nltkNoun({ word, lemma, isNoun }: Word): string[] {
  if (!isNoun && word !== 'orange') return []
  return [/^\p{Lu}|^(men|teeth)$/u.test(word) ? word : lemma]
}

/** A regular plural's singular, in lower case. */
function singular(word: string): string {
  const lower = word.toLowerCase()
  if (lower.endsWith('ies')) return `${lower.slice(0, -3)}y`
  if (lower.endsWith('ves')) return `${lower.slice(0, -3)}f`
  if (/(s|x|ch|sh)es$/.test(lower)) return lower.slice(0, -2)
  return /[^s]s$/.test(lower) ? lower.slice(0, -1) : lower
}

/** Heads of phrases that say nothing about what a picture shows. */
const EMPTY_HEADS =
  /^(image|picture|photo|photograph|scene|left|right|top|bottom|middle|back|front|center|background|foreground)$/
const PLACED_HEADS = /^(corner|side)$/
const PLACES = /^(left|right|top|bottom|upper|lower)$/i

function phrasesOf(words: readonly Word[]): NounPhrase[] {
  const found = new Map<string, NounPhrase>()
  let start = 0
  words.forEach(({ isNoun, tag, word, lemma }, i) => {
    const isPart =
      isNoun || /^(DET|NUM|ADJ|NOUN)$/.test(tag) || /^(my|your|his|her|its|our|their)$/i.test(word)
    if (!isPart) {
      start = i + 1
      return
    }
    // An article or a number after a noun opens the next phrase.
    if (/^(DET|NUM)$/.test(tag) && words[i - 1]?.isNoun) start = i
    if (!isNoun || words[i + 1]?.isNoun) return
    const phrase = words.slice(start, i + 1)
    const isPlaced = PLACED_HEADS.test(lemma) && phrase.some((part) => PLACES.test(part.word))
    start = i + 1
    if (EMPTY_HEADS.test(lemma) || isPlaced) return
    const text = phrase.map((part) => part.word).join(' ')
    if (!found.has(text.toLowerCase())) found.set(text.toLowerCase(), { text, noun: lemma })
  })
  return [...found.values()]
}
