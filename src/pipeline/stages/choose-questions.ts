import type { TruthQuestion } from '../../data/truth.ts'
import { groupBy } from '../../method/group.ts'

/**
 * Some of a picture's questions, so that over many pictures every kind and both right answers have their share: one after another
 * of each kind and answer, from where the picture's place among all says.
 * @param most how many; null for all.
 * @param place of the picture, from 0.
 * @returns in the order they stand in.
 */
export function chooseQuestions(
  questions: readonly TruthQuestion[],
  most: number | null,
  place: number,
): readonly TruthQuestion[] {
  if (most === null || questions.length <= most) return questions
  const groups = [...groupBy(questions, ({ kind, answer }) => `${kind} ${isYes(answer)}`).values()]
  const start = place % groups.length
  const turned = [...groups.slice(start), ...groups.slice(0, start)]
  const rounds = Math.max(...groups.map(({ length }) => length))
  const inTurn = Array.from({ length: rounds }, (_, round) => turned.flatMap((group) => group[round] ?? []))
  const chosen = new Set(inTurn.flat().slice(0, most))
  return questions.filter((question) => chosen.has(question))
}

/** Whether a right answer is yes. */
export function isYes(answer: string): boolean {
  return /^y/i.test(answer)
}
