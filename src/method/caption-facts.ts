import type { NounFinder, NounPhrase } from './nouns.ts'

/** Something a caption names. */
export interface NamedObject {
  /** The head noun, singular and in lower case. */
  readonly noun: string
  /** The head noun as the caption has it, in lower case. */
  readonly form: string
  /** The phrase, in lower case: "two red cars". */
  readonly phrase: string
  readonly colour?: string
  /** A number word from "two" up; "a" and "one" give none, since captions say them of one among several too. */
  readonly number?: string
}

/** "subject is link object", such as dog, "to the left of", ball. */
export interface NamedRelation {
  readonly subject: NamedObject
  readonly link: string
  readonly object: NamedObject
}

/** What one caption says that a question can be asked about. */
export interface CaptionFacts {
  readonly objects: readonly NamedObject[]
  readonly relations: readonly NamedRelation[]
}

export const COLOURS: readonly string[] = [
  ...['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink'],
  ...['brown', 'black', 'white', 'gray', 'grey', 'golden', 'silver'],
]
export const NUMBERS: readonly string[] = [
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
]

const LINKS = [
  ...[
    'to the left of',
    'to the right of',
    'on the left of',
    'on the right of',
    'in front of',
    'on top of',
    'next to',
  ],
  ...['above', 'below', 'under', 'underneath', 'behind', 'beside', 'inside', 'near', 'on'],
]
const LINK = LINKS.join('|')
const COLOUR = COLOURS.join('|')
const BE = '(?:is|are|stands?|sits?|lies?|there is|there are)'

/** Reads what a caption names, with which colour and in what number, and how two things named beside each other stand. */
export function captionFacts(caption: string, finder: Pick<NounFinder, 'phrases'>): CaptionFacts {
  const objects = new Map<string, NamedObject>()
  for (const phrase of finder.phrases(caption)) {
    const named = objectOf(phrase)
    if (!objects.has(named.phrase)) objects.set(named.phrase, named)
  }
  if (objects.size === 0) return { objects: [], relations: [] }
  const names = [...objects.keys()].sort((a, b) => b.length - a.length)
  const name = `\\b(${names.map((text) => text.replace(/[^\p{L}\p{N} ]/gu, '\\$&')).join('|')})\\b`
  const sentences = caption.toLowerCase().split(/[.!?]/)
  for (const sentence of sentences) {
    for (const [, phrase = '', colour = ''] of sentence.matchAll(
      new RegExp(`${name} (?:is|are) (${COLOUR})(?! \\w)`, 'g'),
    )) {
      const named = objects.get(phrase)
      if (named) objects.set(phrase, { ...named, colour })
    }
  }
  return { objects: [...objects.values()], relations: relationsOf(sentences, name, objects) }
}

function objectOf({ text, noun }: NounPhrase): NamedObject {
  const phrase = text.toLowerCase()
  const words = phrase.split(' ')
  const form = words.at(-1) ?? noun
  const colours = words.filter((word) => word !== form && COLOURS.includes(word))
  const number = words.find((word) => NUMBERS.includes(word))
  return {
    noun,
    form,
    phrase,
    ...(colours.length === 1 && colours[0] !== undefined ? { colour: colours[0] } : {}),
    ...(number === undefined ? {} : { number }),
  }
}

function relationsOf(
  sentences: readonly string[],
  name: string,
  objects: ReadonlyMap<string, NamedObject>,
): NamedRelation[] {
  const forms = [
    { pattern: `${name}(?: ${BE})? (${LINK}) ${name}`, at: [1, 2, 3] },
    { pattern: `\\b(${LINK}) ${name},? ${BE} (?:also )?${name}`, at: [3, 1, 2] },
  ] as const
  const found = new Map<string, NamedRelation>()
  for (const sentence of sentences) {
    for (const { pattern, at } of forms) {
      for (const match of sentence.matchAll(new RegExp(pattern, 'g'))) {
        const [subject, link, object] = [match[at[0]] ?? '', match[at[1]] ?? '', match[at[2]] ?? '']
        const [from, to] = [objects.get(subject), objects.get(object)]
        if (from && to && from.noun !== to.noun)
          found.set(`${subject}|${link}|${object}`, { subject: from, link, object: to })
      }
    }
  }
  return [...found.values()]
}
