import { beforeAll, describe, expect, test } from 'vitest'
import { captionFacts } from '../../src/method/caption-facts.ts'
import { loadNounFinder, type NounFinder } from '../../src/method/nouns.ts'
import { questionCandidates } from '../../src/method/question-candidates.ts'
import { parseQuestionSettings } from '../../src/method/question-settings.ts'
import { QuestionTemplates, type TemplateQuestion } from '../../src/method/question-templates.ts'
import world from '../goldens/world-captions.json'

let finder: NounFinder
beforeAll(async () => {
  finder = await loadNounFinder()
})

/** Questions about every image, by its captions. */
function questionsOf(images: readonly (readonly string[])[], settings: object): TemplateQuestion[][] {
  const templates = new QuestionTemplates(parseQuestionSettings(settings), finder)
  for (const captions of images) templates.learn(captions)
  return images.map((captions, place) => templates.ask(captions, place))
}

describe('what a caption says', () => {
  test('of things: colour and number', () => {
    const { objects } = captionFacts('A red car and two black dogs are near the tree.', finder)
    expect(objects).toEqual([
      { noun: 'car', form: 'car', phrase: 'a red car', colour: 'red' },
      { noun: 'dog', form: 'dogs', phrase: 'two black dogs', colour: 'black', number: 'two' },
      { noun: 'tree', form: 'tree', phrase: 'the tree' },
    ])
  })

  test.each([
    ['There is a cat to the left of the moon.', 'cat to the left of moon'],
    ['A blue cup is above two books.', 'cup above book'],
    ['Below the dog is a ball.', 'ball below dog'],
    ['To the right of the dogs, there is a tree.', 'tree to the right of dog'],
  ])('of relations: %s', (caption, expected) => {
    const relations = captionFacts(caption, finder).relations
    expect(relations.map(({ subject, link, object }) => `${subject.noun} ${link} ${object.noun}`)).toEqual([
      expected,
    ])
  })

  test('of the embedded world exactly what its grammar claims', () => {
    const claimed = new Map<string, number>()
    for (const { text, claims } of world.captions) {
      const { objects, relations } = captionFacts(text, finder)
      const has = (kind: string, noun: string, value: string): boolean => {
        if (kind === 'exists') return objects.some((named) => named.noun === noun)
        if (kind === 'colour') return objects.some((named) => named.noun === noun && named.colour === value)
        if (kind === 'number') return objects.some((named) => named.noun === noun && named.number === value)
        const [link = '', other] = value.split(':')
        return relations.some(
          (r) => r.subject.noun === noun && r.link.includes(link) && r.object.noun === other,
        )
      }
      const own = claims.filter(([kind = '']) => ['exists', 'colour', 'number', 'relation'].includes(kind))
      for (const [kind = ''] of own) claimed.set(kind, (claimed.get(kind) ?? 0) + 1)
      const missed = own.filter(([kind = '', noun = '', value = '']) => !has(kind, noun, value))
      expect(missed, text).toEqual([])
      const count = (kind: string) => own.filter(([k]) => k === kind).length
      expect(
        objects.filter(({ colour }) => colour !== undefined),
        text,
      ).toHaveLength(count('colour'))
      const clear = relations.filter(({ link }) => /left|right|above|below/.test(link)) // "a dog on a farm" is no claim
      expect(clear, text).toHaveLength(count('relation'))
    }
    expect([...claimed.values()].every((count) => count > 50)).toBe(true)
  })
})

describe('questions by templates', () => {
  const images = [
    ['A red car and two dogs on a street.', 'There is a car to the left of a tree.'],
    ['A blue car and a bus on a street.'],
    ['Three dogs and a bus on a street. The bus is next to the dogs.'],
  ]
  const ask = (settings: object) => questionsOf(images, settings)

  test('about colours, numbers and relations, with wrong answers from other captions', () => {
    expect(ask({ kinds: ['colour', 'number', 'relation'] })[0]).toEqual([
      { kind: 'colour', question: 'What color is the car?', correct: 'red', incorrect: 'blue' },
      {
        kind: 'number',
        question: 'How many dogs are there in the image?',
        correct: 'two',
        incorrect: 'three',
      },
      {
        kind: 'relation',
        question: 'What is to the left of the tree?',
        correct: 'a car',
        incorrect: 'a bus',
      },
    ])
  })

  test('about what is there and what is plausibly not', () => {
    const questions = ask({ kinds: ['existence'] })[0] ?? []
    expect(questions).toHaveLength(2)
    expect(questions[0]).toMatchObject({ correct: 'Yes', incorrect: 'No' })
    expect(questions[1]).toEqual({
      kind: 'existence',
      question: 'Is there a bus in the image?',
      correct: 'No',
      incorrect: 'Yes',
    })
  })

  test('are candidates with statements for CLIP', () => {
    const [question] = ask({ kinds: ['colour'] })[0] ?? []
    if (!question) throw new Error('expected a question')
    const asked = { image: 'a.png', imageHash: 'a', seed: 3, promptId: 'q0', generator: 'template' } as const
    expect(questionCandidates(question, asked)).toMatchObject([
      {
        prompt: 'What color is the car?',
        text: 'red',
        statement: 'the car is red',
        correct: true,
        promptId: 'q0',
      },
      {
        prompt: 'What color is the car?',
        text: 'blue',
        statement: 'the car is blue',
        correct: false,
        candidate: 1,
      },
    ])
  })

  test('of one image are at most as many as are asked for, of every kind in turn', () => {
    const all = ask({})[0] ?? []
    const three = ask({ perImage: 3 })[0] ?? []
    expect(new Set(three.map(({ kind }) => kind)).size).toBe(3)
    expect(all).toEqual(expect.arrayContaining(three))
    expect(ask({ perImage: 100 })[0]).toHaveLength(all.length)
  })

  test('never ask what the captions disagree on', () => {
    const torn = [['A red car.', 'A blue car.'], ['A green car.']]
    expect(questionsOf(torn, { kinds: ['colour'] })[0]).toEqual([])
  })

  test('follow from the seed', () => {
    const all = world.captions.map(({ text }) => [text])
    const one = questionsOf(all, { seed: 1 })
    expect(questionsOf(all, { seed: 1 })).toEqual(one)
    expect(questionsOf(all, { seed: 2 })).not.toEqual(one)
  })

  test('of the embedded world are true of its captions, and their wrong answers are not', () => {
    const asked = questionsOf(
      world.captions.map(({ text }) => [text]),
      {},
    )
    const kinds = new Map<string, number>()
    asked.forEach((questions, i) => {
      const { claims, text } = world.captions[i] as (typeof world.captions)[number]
      const claimed = (kind: string, value: string) => claims.some(([k, , v]) => k === kind && v === value)
      const named = finder.nouns(text)
      for (const { kind, question, correct, incorrect } of questions) {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        expect(correct).not.toBe(incorrect)
        if (kind === 'colour') expect(claimed('colour', correct), question).toBe(true)
        if (kind === 'number') expect(claimed('number', correct), question).toBe(true)
        if (kind === 'relation') {
          expect(named).toContain(correct.replace(/^an? /, ''))
          expect(named).not.toContain(incorrect.replace(/^an? /, ''))
        }
        if (kind === 'existence') {
          const noun = /^(?:Is|Are) there (?:an? )?(.+) in the image\?$/.exec(question)?.[1] ?? ''
          expect(named.includes(noun), `${question} ${text}`).toBe(correct === 'Yes')
        }
      }
    })
    expect(kinds.size).toBe(4)
    expect(Math.min(...kinds.values())).toBeGreaterThan(20)
  })
})
