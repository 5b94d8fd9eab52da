/** A question about one image with an answer its captions support and one they do not. */
export interface ImageQuestion {
  readonly question: string
  readonly correct: string
  readonly incorrect: string
}

/** What a text model is told unless a recipe says otherwise. The paper's prompt for Mistral-7B is not published. */
export const QUESTION_PROMPT = `These captions describe one image:
{captions}

Write {count} short questions about what can be seen in the image. Give each a correct answer, which the captions support, and an incorrect answer, which sounds plausible but which the captions contradict. Make the two answers short and alike in length. Do not mention the captions. Use exactly this form, one line for each part:

Question: What color is the car?
Correct answer: red
Incorrect answer: blue`

/** Questions asked of a model about one image unless a recipe says otherwise. */
export const WRITTEN_QUESTIONS = 4

/** A prompt with an image's captions and the number of questions wanted in their places. */
export function questionPrompt(template: string, captions: readonly string[], count: number): string {
  const list = captions.map((caption) => `- ${caption.trim().replace(/\s+/g, ' ')}`).join('\n')
  return template.replaceAll('{count}', () => String(count)).replaceAll('{captions}', () => list)
}

/** What a reply says in the form that was asked for, and what in it is not of that form. */
export interface ReadReply {
  readonly questions: readonly ImageQuestion[]
  /** One for each question that could not be read, or one for a reply without any. */
  readonly faults: readonly ReplyFault[]
}

export interface ReplyFault {
  /** The lines at fault, as they came. */
  readonly text: string
  /** What was expected and what came. */
  readonly why: string
}

/** `Question:`, `Correct answer:`, `Incorrect answer:`; models like to number them and to set them in bold. */
const LABELLED =
  /^[\s*_#>-]*(?:\(?\d+[.):])?[\s*_]*(question|correct answer|incorrect answer)(?:\s+\d+)?[\s*_]*:[*_]*(.*)$/i

type Part = 'question' | 'correct answer' | 'incorrect answer'

interface Line {
  readonly text: string
  /** Undefined for a line that is no part of a question. */
  readonly part?: Part
  /** What follows the label. */
  readonly said: string
}

/**
 * Reads the questions of a model's reply, strictly: each is three lines, `Question:`, `Correct answer:` and `Incorrect answer:`,
 * in this order and each whole; the question ends in a question mark, and the answers differ. What is said before, between and
 * after questions is passed over, if an empty line stands between.
 * @param isCut whether the reply was cut off: then its last line may be half of one and is left out. Default false.
 */
export function readReply(reply: string, isCut = false): ReadReply {
  const questions: ImageQuestion[] = []
  const faults: ReplyFault[] = []
  const lines = reply.split(/\r\n|[\n\r\u2028\u2029]/).map(lineOf)
  const [opening = [], ...blocks] = cut(isCut ? lines.slice(0, -1) : lines)
  const stray = opening.find(({ part }) => part !== undefined)
  if (stray) faults.push({ text: stray.text, why: 'expected "Question:" before an answer' })
  for (const block of blocks) {
    const read = readBlock(block)
    if (typeof read === 'string') faults.push({ text: textOf(block), why: read })
    else if (questions.some(({ question }) => isAlike(question, read.question)))
      faults.push({ text: textOf(block), why: 'the same question was asked before' })
    else questions.push(read)
  }
  if (blocks.length === 0 && !stray) {
    const why = hasWords(reply) ? 'expected a line "Question: ...", found none' : 'the reply is empty'
    faults.push({ text: reply.trim(), why })
  }
  return { questions, faults }
}

function lineOf(text: string): Line {
  const [, label, said = ''] = LABELLED.exec(text) ?? []
  if (label === undefined) return { text, said: text.trim() }
  return { text, part: label.toLowerCase() as Part, said: bare(said) }
}

/** Without the marks around a whole text: bold, quotation marks. */
function bare(said: string): string {
  const text = said.trim()
  const [, inner] = /^(?:\*\*|["“])(.*)(?:\*\*|["”])$/.exec(text) ?? []
  return (inner ?? text).replace(/\*\*$/, '').trim()
}

/** What comes before the first question, and then each question with what follows it. */
function cut(lines: readonly Line[]): Line[][] {
  const blocks: Line[][] = [[]]
  for (const line of lines) {
    if (line.part === 'question') blocks.push([])
    blocks.at(-1)?.push(line)
  }
  return blocks
}

/** @returns why it is none, where it is none. */
function readBlock(lines: readonly Line[]): ImageQuestion | string {
  const filled = lines.filter(({ text, part }) => part !== undefined || saysSomething(text))
  const [question, correct, incorrect] = filled
  if (correct?.part !== 'correct answer') return expected('Correct answer:', correct)
  if (incorrect?.part !== 'incorrect answer') return expected('Incorrect answer:', incorrect)
  const next = lines[lines.indexOf(incorrect) + 1]
  const again = filled.slice(3).find(({ part }) => part !== undefined)
  if (again) return `expected one of each answer, got "${again.text.trim()}" as well`
  if (next && saysSomething(next.text))
    return `expected answers of one line, got another: "${next.text.trim()}"`
  const read = {
    question: question?.said ?? '',
    correct: correct.said,
    incorrect: incorrect.said,
  }
  if (!hasWords(read.question) || !read.question.endsWith('?'))
    return `expected a question with its mark, got "${read.question}"`
  if (!hasWords(read.correct) || !hasWords(read.incorrect)) return 'expected two answers, got an empty one'
  if (isAlike(read.correct, read.incorrect)) return `expected two answers, got "${read.correct}" twice`
  return read
}

function expected(label: string, line: Line | undefined): string {
  return `expected a line "${label} ...", got ${line ? `"${line.text.trim()}"` : 'the end'}`
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}

/** Whether a line is more than marks or the number of what follows. */
function saysSomething(text: string): boolean {
  return hasWords(text) && !/^\W*\d+[.):]\W*$/.test(text)
}

/** Whether two texts are the same but for case and marks. */
function isAlike(a: string, b: string): boolean {
  const bareWords = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()
  return bareWords(a) === bareWords(b)
}

function textOf(lines: readonly Line[]): string {
  return lines
    .map(({ text }) => text.trim())
    .join('\n')
    .trim()
}
