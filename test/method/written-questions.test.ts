import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ImageQuestion,
  QUESTION_PROMPT,
  questionPrompt,
  readReply,
} from '../../src/method/written-questions.ts'

const CAR: ImageQuestion = { question: 'What color is the car?', correct: 'red', incorrect: 'blue' }
const DOGS: ImageQuestion = { question: 'How many dogs are there?', correct: 'two', incorrect: 'three' }

const form = ({ question, correct, incorrect }: ImageQuestion): string =>
  `Question: ${question}\nCorrect answer: ${correct}\nIncorrect answer: ${incorrect}`

describe('a prompt', () => {
  test('has the captions and the number in their places, as they are', () => {
    const prompt = questionPrompt(
      '{count} of:\n{captions}\nNow {count}.',
      ['A dog.\n', ' A {count}  $& cat.'],
      3,
    )
    expect(prompt).toBe('3 of:\n- A dog.\n- A {count} $& cat.\nNow 3.')
  })

  test('by default asks in the very form that is read', () => {
    expect(readReply(questionPrompt(QUESTION_PROMPT, ['A dog.'], 2))).toEqual({
      questions: [CAR],
      faults: [],
    })
  })
})

describe('a reply is read', () => {
  test.each([
    ['as it was asked for', `${form(CAR)}\n\n${form(DOGS)}`],
    [
      'without empty lines, with Windows’ ends of lines',
      `${form(CAR)}\n${form(DOGS)}\n`.replaceAll('\n', '\r\n'),
    ],
    [
      'with something said around',
      `Sure! Here are two:\n\n${form(CAR)}\n\nAnd:\n\n${form(DOGS)}\n\nI hope it helps.`,
    ],
    ['numbered', `1. ${form(CAR)}\n\n2) ${form(DOGS)}`],
    ['with numbers on lines of their own', `1.\n${form(CAR)}\n2.\n${form(DOGS)}\n---`],
    ['in bold', `${form(CAR)}\n\n${form(DOGS)}`.replace(/^(.+?:)/gm, '**$1**')],
    ['in bold with answers', `${form(CAR)}\n\n${form(DOGS)}`.replace(/: (.+)$/gm, ': **$1**')],
    ['as a list', `${form(CAR)}\n\n${form(DOGS)}`.replace(/^/gm, '* ')],
    [
      'in capitals and quotation marks',
      `${form(CAR)}\n${form(DOGS)}`.replace(
        /^(.+?): (.+)$/gm,
        (_, l: string, t: string) => `${l.toUpperCase()}: "${t}"`,
      ),
    ],
    ['with empty lines between', `${form(CAR)}\n\n${form(DOGS)}`.replaceAll('\n', '\n\n')],
  ])('%s', (_, reply) => {
    expect(readReply(reply)).toEqual({ questions: [CAR, DOGS], faults: [] })
  })

  test('whatever the questions and answers are', () => {
    const text = fc
      .stringMatching(/^[\p{L}\p{N}][^\n\r\u2028\u2029]{0,30}$/u)
      .map((s) => s.replace(/[\s*"“”]+/g, ' ').trim())
      .filter((s) => /^[\p{L}\p{N}]/u.test(s))
    const question = fc
      .record({ question: text.map((t) => `${t}?`), correct: text, incorrect: text })
      .filter(({ correct, incorrect }) => plain(correct) !== plain(incorrect))
    const questions = fc.uniqueArray(question, { selector: (q) => plain(q.question), maxLength: 6 })
    fc.assert(
      fc.property(questions, fc.constantFrom('\n', '\n\n', '\n\n\n'), (asked, gap) => {
        fc.pre(asked.length > 0)
        expect(readReply(asked.map(form).join(gap))).toEqual({ questions: asked, faults: [] })
      }),
    )
  })
})

/** As two texts are held to be alike. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

describe('a reply is not read', () => {
  test.each([
    ['', 'the reply is empty'],
    ['The image shows a car and two dogs.', 'expected a line "Question: ..."'],
    ['Correct answer: red\nIncorrect answer: blue', 'expected "Question:" before an answer'],
    ['Question: What color is the car?', 'expected a line "Correct answer: ...", got the end'],
    ['Question: What color is the car?\nRed.', 'expected a line "Correct answer: ...", got "Red."'],
    [
      'Question: What is it?\nIncorrect answer: blue\nCorrect answer: red',
      'expected a line "Correct answer: ...", got "Incorrect answer: blue"',
    ],
    [
      'Question: What is it?\nCorrect answer: red\nQuestion: Is it?\nIncorrect answer: blue',
      'expected a line "Incorrect answer: ...", got the end',
    ],
    [form({ ...CAR, question: 'The color of the car' }), 'expected a question with its mark'],
    [form({ ...CAR, question: '?' }), 'expected a question with its mark'],
    [form({ ...CAR, correct: '...' }), 'got an empty one'],
    [form({ ...CAR, incorrect: '' }), 'got an empty one'],
    [form({ ...CAR, incorrect: 'Red.' }), 'got "red" twice'],
    [`${form(CAR)} or\ngreen`, 'expected answers of one line, got another: "green"'],
    [`${form(CAR)}\nCorrect answer: green`, 'expected one of each answer'],
  ])('%j', (reply, why) => {
    const { questions, faults } = readReply(reply)
    expect(questions).toEqual([])
    expect(faults[0]?.why).toContain(why)
  })

  test('where only one question is at fault, the others are', () => {
    const { questions, faults } = readReply(
      [form(CAR), form({ ...DOGS, correct: '' }), form(DOGS)].join('\n\n'),
    )
    expect(questions).toEqual([CAR, DOGS])
    expect(faults).toEqual([
      {
        text: 'Question: How many dogs are there?\nCorrect answer:\nIncorrect answer: three',
        why: 'expected two answers, got an empty one',
      },
    ])
  })

  test('twice', () => {
    const { questions, faults } = readReply(
      `${form(CAR)}\n${form({ ...CAR, question: 'what color is the car ?' })}`,
    )
    expect(questions).toEqual([CAR])
    expect(faults[0]?.why).toBe('the same question was asked before')
  })

  test('in its last line where it was cut off', () => {
    const reply = `${form(CAR)}\n\n${form(DOGS)}`
    for (const cut of [0, 3]) {
      const { questions, faults } = readReply(reply.slice(0, reply.length - cut), true)
      expect(questions).toEqual([CAR])
      expect(faults[0]?.why).toBe('expected a line "Incorrect answer: ...", got the end')
    }
    expect(readReply(`${reply}\n\nQuest`, true)).toEqual({ questions: [CAR, DOGS], faults: [] })
  })
})

test('no text breaks the reading, and what is read is whole', () => {
  const words = fc.constantFrom(
    'Question:',
    'Correct answer:',
    'Incorrect answer:',
    '\n',
    ' red',
    '?',
    '**',
    '1. ',
  )
  const reply = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(reply, fc.boolean(), (text, isCut) => {
      const { questions, faults } = readReply(text, isCut)
      expect(questions.length + faults.length).toBeGreaterThan(0)
      for (const { question, correct, incorrect } of questions) {
        expect(question).toMatch(/\?$/)
        for (const answer of [correct, incorrect]) expect(answer).toMatch(/[\p{L}\p{N}]/u)
      }
    }),
  )
})
