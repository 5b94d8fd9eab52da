import type { Candidate } from './candidate.ts'
import { countWords } from './sentences.ts'
import { statementOf } from './statements.ts'
import type { ImageQuestion } from './written-questions.ts'

/** What a question's answers are candidates with. */
export interface Asked extends Pick<Candidate, 'image' | 'imageHash' | 'seed'> {
  /** Such as `q3`. */
  readonly promptId: string
  /** Who made question and answers: templates, or a model that was told to. */
  readonly generator: 'template' | 'writer'
}

/** A question's two answers as candidates, with the statements that CLIP is shown. */
export function questionCandidates(
  { question, correct, incorrect }: ImageQuestion,
  asked: Asked,
): [correct: Candidate, incorrect: Candidate] {
  const made = (text: string, isCorrect: boolean): Candidate => ({
    ...asked,
    prompt: question,
    candidate: isCorrect ? 0 : 1,
    text,
    numTokens: countWords(text),
    finishReason: 'stop',
    statement: statementOf(question, text),
    correct: isCorrect,
  })
  return [made(correct, true), made(incorrect, false)]
}
