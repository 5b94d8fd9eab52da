import { type CaptionFacts, COLOURS, captionFacts, type NamedObject, NUMBERS } from './caption-facts.ts'
import type { NounFinder } from './nouns.ts'
import type { QuestionKind, QuestionSettings } from './question-settings.ts'
import { philox4x32 } from './random.ts'
import type { ImageQuestion } from './written-questions.ts'

/** A question of a kind. */
export interface TemplateQuestion extends ImageQuestion {
  readonly kind: QuestionKind
}

/** What all captions say together, for wrong answers that would be plausible. */
interface Corpus {
  /** How often one noun is named of the same image as another. */
  readonly beside: Map<string, Map<string, number>>
  /** "a dog", "snow", "people": how to ask whether it is there; only nouns that some caption names so. */
  readonly indefinite: Map<string, string>
  /** Colours and number words that some caption gives a noun. */
  readonly coloursOf: Map<string, Set<string>>
  readonly numbersOf: Map<string, Set<string>>
}

/** What is said of one image, caption by caption. */
type Facts = readonly CaptionFacts[]

/**
 * Writes questions about images by templates over their own captions, where no text model writes them; wrong answers are swaps
 * from the other images' captions: a thing that is named where this image's things are, another colour or number of the same
 * thing. Of the captions no more is held than which words go together.
 */
export class QuestionTemplates {
  readonly #settings: QuestionSettings
  readonly #seed: number
  readonly #finder: Pick<NounFinder, 'phrases'>
  readonly #corpus: Corpus = {
    beside: new Map(),
    indefinite: new Map(),
    coloursOf: new Map(),
    numbersOf: new Map(),
  }

  /** @param seed where the settings have none. Default 0. */
  constructor(settings: QuestionSettings, finder: Pick<NounFinder, 'phrases'>, seed = 0) {
    this.#settings = settings
    this.#seed = settings.seed ?? seed
    this.#finder = finder
  }

  /** Takes in what is said of one image. All images come before the first question. */
  learn(captions: readonly string[]): void {
    learnFacts(this.#corpus, this.#facts(captions))
  }

  /**
   * Questions about one image; none where its captions support none. What captions disagree on is not asked.
   * @param place of the image among all; with the seed it decides the choice.
   */
  ask(captions: readonly string[], place: number): TemplateQuestion[] {
    const { kinds, perKind, perImage } = this.#settings
    const facts = this.#facts(captions)
    const shuffle = shuffler(this.#seed, place)
    const asked = kinds.map((kind) => ASK[kind](facts, this.#corpus, shuffle).slice(0, perKind))
    return perImage === null ? asked.flat() : inTurn(asked).slice(0, perImage)
  }

  #facts(captions: readonly string[]): Facts {
    return captions.map((caption) => captionFacts(caption, this.#finder))
  }
}

/** Puts items in a random order that follows from the seed and the image. */
type Shuffle = <T>(items: readonly T[]) => T[]

function shuffler(seed: number, image: number): Shuffle {
  let call = 0
  return (items) => {
    const place = call++
    return items
      .map((item, i) => ({ item, order: philox4x32([i, image, place, 0], [seed, PURPOSE])[0] }))
      .sort((a, b) => a.order - b.order)
      .map(({ item }) => item)
  }
}

/** The first of every list, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat()
}

/** Marks the generator's use for questions. */
const PURPOSE = 0x7175_6573

type Ask = (facts: Facts, corpus: Corpus, shuffle: Shuffle) => TemplateQuestion[]

const ASK: Readonly<Record<QuestionKind, Ask>> = {
  existence(facts, corpus, shuffle) {
    const ask = (noun: string, correct: string, incorrect: string): TemplateQuestion[] => {
      const what = corpus.indefinite.get(noun)
      if (what === undefined) return []
      const be = noun === 'people' ? 'Are' : 'Is'
      return [{ kind: 'existence', question: `${be} there ${what} in the image?`, correct, incorrect }]
    }
    const present = shuffle(nounsOf(facts)).flatMap((noun) => ask(noun, 'Yes', 'No'))
    const absent = plausiblyAbsent(facts, corpus).flatMap((noun) => ask(noun, 'No', 'Yes'))
    return present.flatMap((question, i) => [question, ...absent.slice(i, i + 1)])
  },
  colour: (facts, corpus, shuffle) =>
    shuffle(agreed(facts, 'colour')).flatMap(({ noun, form, value }) => {
      const incorrect = otherThan(value, corpus.coloursOf.get(noun), COLOURS.slice(0, 7), shuffle)
      const be = form === noun ? 'is' : 'are'
      return incorrect === undefined
        ? []
        : [{ kind: 'colour', question: `What color ${be} the ${form}?`, correct: value, incorrect }]
    }),
  number: (facts, corpus, shuffle) =>
    shuffle(agreed(facts, 'number')).flatMap(({ noun, form, value }) => {
      const near = NUMBERS.indexOf(value)
      const incorrect = otherThan(
        value,
        corpus.numbersOf.get(noun),
        NUMBERS.slice(Math.max(0, near - 1), near + 2),
        shuffle,
      )
      return incorrect === undefined
        ? []
        : [
            {
              kind: 'number',
              question: `How many ${form} are there in the image?`,
              correct: value,
              incorrect,
            },
          ]
    }),
  relation(facts, corpus, shuffle) {
    const absent = plausiblyAbsent(facts, corpus)
    const relations = facts.flatMap((own) => own.relations)
    return shuffle(relations).flatMap(({ subject, link, object }, i) => {
      const other = absent[i % Math.max(1, absent.length)]
      const isSingular = subject.form === subject.noun
      return other === undefined || !isSingular
        ? []
        : [
            {
              kind: 'relation' as const,
              question: `What is ${link} the ${object.form}?`,
              correct: withArticle(subject.noun),
              incorrect: withArticle(other),
            },
          ]
    })
  },
}

function learnFacts({ beside, indefinite, coloursOf, numbersOf }: Corpus, facts: Facts): void {
  const add = (map: Map<string, Set<string>>, noun: string, value: string | undefined): void => {
    if (value !== undefined) map.set(noun, (map.get(noun) ?? new Set()).add(value))
  }
  for (const named of facts.flatMap(({ objects }) => objects)) {
    const what = indefiniteOf(named)
    if (what !== undefined && !indefinite.has(named.noun)) indefinite.set(named.noun, what)
    add(coloursOf, named.noun, named.colour)
    add(numbersOf, named.noun, named.number)
  }
  const nouns = nounsOf(facts)
  for (const noun of nouns) {
    const counts = beside.get(noun) ?? new Map<string, number>()
    for (const other of nouns) if (other !== noun) counts.set(other, (counts.get(other) ?? 0) + 1)
    beside.set(noun, counts)
  }
}

/** What an image's captions name, each noun once. */
function nounsOf(facts: Facts): string[] {
  return [...new Set(facts.flatMap(({ objects }) => objects.map(({ noun }) => noun)))]
}

/** Nouns that this image's captions do not name, those first that others name most often beside one of this image's. */
function plausiblyAbsent(facts: Facts, { beside }: Corpus): string[] {
  const own = new Set(nounsOf(facts))
  const counts = new Map<string, number>()
  for (const noun of own) {
    for (const [other, count] of beside.get(noun) ?? []) {
      if (!own.has(other)) counts.set(other, (counts.get(other) ?? 0) + count)
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([noun]) => noun)
}

/** The nouns of an image to which its captions give one and the same colour or number, wherever they give one. */
function agreed(
  facts: Facts,
  property: 'colour' | 'number',
): { noun: string; form: string; value: string }[] {
  const values = new Map<string, { form: string; all: Set<string> }>()
  for (const { noun, form, [property]: value } of facts.flatMap(({ objects }) => objects)) {
    if (value === undefined) continue
    const known = values.get(noun) ?? { form, all: new Set<string>() }
    values.set(noun, { ...known, all: known.all.add(value) })
  }
  return [...values].flatMap(([noun, { form, all }]) => {
    const [value, ...others] = all
    return value === undefined || others.length > 0 ? [] : [{ noun, form, value }]
  })
}

/** Another value than the right one: one that captions give the noun, or else one of the usual. */
function otherThan(
  right: string,
  seen: ReadonlySet<string> | undefined,
  usual: readonly string[],
  shuffle: Shuffle,
): string | undefined {
  const others = (values: Iterable<string>): string[] => [...values].filter((value) => value !== right)
  return shuffle(others(seen ?? []))[0] ?? shuffle(others(usual))[0]
}

/** "a dog", "snow", "people"; undefined for what a caption takes as known: "the sky". */
function indefiniteOf({ noun, form, phrase }: NamedObject): string | undefined {
  const [first = ''] = phrase.split(' ')
  if (/^(the|this|that|his|her|its|their)$/.test(first)) return undefined
  const isCountless = noun === form && !/^(a|an|one)$/.test(first)
  return isCountless ? noun : withArticle(noun)
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
}
