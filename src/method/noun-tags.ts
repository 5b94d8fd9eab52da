/** A word of a text with its universal part of speech: NOUN, PROPN, ADJ, VERB and so on. */
export interface TaggedWord {
  readonly word: string
  readonly tag: string
}

/** Taken for nouns at the start of a sentence or before another adjective; never one in a caption. */
const NEVER = setOf(
  'several many few various numerous multiple other another such each both all some any most more',
)
/** Nouns whatever the tagger says. */
const ALWAYS = setOf('people person')
/** Nouns in -ing; any other such word is a verb where a verb may stand. */
const ING_NOUNS = setOf(
  `awning bedding being bowling building camping carving ceiling clearing clothing coating covering crossing cutting dining
  dressing drawing earring evening feeling fencing filling flooring frosting herring icing king landing lighting living
  marking meeting morning opening outing painting parking paving piping pudding railing rigging ring roofing setting sibling
  siding spring stocking stuffing string surrounding swing thing topping trimming wedding wiring wing wrapping writing`,
)
/** What a picture is called: the word after it says what the picture does. */
const PICTURES = setOf('image picture photo photograph scene')
/** Where something is, and a shape: nouns after an article, unless another noun follows. */
const SIDES = setOf('left right top bottom middle back front center inside round')
const POSSESSIVES = setOf('my your his her its our their')

/**
 * Which words are nouns: a tagger's opinion, mended where taggers of running text fail on captions. It takes "shows" in
 * "the image shows" and "standing" in "a man standing in" for nouns, and "mirror" in "a round mirror." for a verb.
 * @returns one flag for each word.
 */
export function nounFlags(words: readonly TaggedWord[]): boolean[] {
  const tags = words.map(({ tag }) => tag)
  const lower = words.map(({ word }) => word.toLowerCase())
  return words.map((_, i) => {
    const isNoun = judge(i, lower, tags)
    if (isNoun !== isNounTag(tags[i])) tags[i] = isNoun ? 'NOUN' : 'X'
    return isNoun
  })
}

function judge(i: number, words: readonly string[], tags: readonly string[]): boolean {
  const [word = '', before = '', after = ''] = [words[i], words[i - 1], words[i + 1]]
  const [tag, tagBefore = '', tagAfter = ''] = [tags[i], tags[i - 1], tags[i + 1]]
  if (!/\p{L}/u.test(word) || NEVER.has(word)) return false
  if (ALWAYS.has(word)) return true
  const opens = /^(DET|NUM)$/.test(tagBefore) || POSSESSIVES.has(before)
  const closes = /^(ADP|AUX|CCONJ|PUNCT|SCONJ)?$/.test(tagAfter)
  const ends = /^(CCONJ|PUNCT)?$/.test(tagAfter)

  if (SIDES.has(word) && /^(ADJ|NOUN|PROPN)$/.test(tagAfter)) return false
  if (isNounTag(tag)) {
    if (PICTURES.has(before) && word.endsWith('s') && /^(ADJ|ADV|DET|NUM|PRON)$/.test(tagAfter)) return false
    if (!word.endsWith('ing') || ING_NOUNS.has(word) || opens) return true
    const mayBeVerb = /^(NOUN|PROPN|AUX|PUNCT|CCONJ|ADV|PRON|SCONJ)?$/.test(tagBefore)
    return !(mayBeVerb && /^(ADP|ADV|DET|NUM|PRON|PUNCT|PART)?$/.test(tagAfter))
  }
  if (SIDES.has(word)) return (opens && closes) || (word === 'top' && after === 'of')
  if (word === 'light' && isNounTag(tagBefore)) return true
  if (tag === 'ADJ') return opens && tagAfter === 'AUX'
  if (tag !== 'VERB' || /(ing|ed)$/.test(word)) return false
  const isPlural = word.endsWith('s')
  if (isPlural && /^(NUM|AUX|VERB)$/.test(tagBefore)) return true
  if (closes && (opens || tagBefore === 'ADJ')) return true
  if (!ends) return false
  return isNounTag(tagBefore) || (tagBefore === 'CCONJ' && isNounTag(tags[i - 2]))
}

function isNounTag(tag: string | undefined): boolean {
  return tag === 'NOUN' || tag === 'PROPN'
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/))
}
