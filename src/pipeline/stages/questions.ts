import type { Candidate } from '../../method/candidate.ts'
import { groupBy } from '../../method/group.ts'
import { loadNounFinder } from '../../method/nouns.ts'
import type { QuestionSettings } from '../../method/question-settings.ts'
import { QuestionWriter, questionCandidates } from '../../method/questions.ts'
import { isStop } from '../../method/scores.ts'
import type { StageStore } from '../../store/stages.ts'
import type { Progress, StageContext } from '../stage.ts'

/** Whether a model wrote a candidate; the others are answers to questions made from what models wrote. */
export function isWritten({ statement }: Candidate): boolean {
  return statement === undefined
}

/**
 * Adds questions' answers to the candidates of every picture, made from what the policy wrote about it, in two passes: wrong
 * answers come from what it wrote about other pictures. Done again it comes to the same.
 * @param seed where the settings have none. @param total pictures there are. @returns how many questions are asked.
 */
export async function addQuestions<S>(
  { signal }: StageContext,
  units: StageStore<Candidate[], S>,
  settings: QuestionSettings,
  { seed, total, progress }: { seed: number; total: number; progress: Progress },
): Promise<number> {
  const writer = new QuestionWriter(settings, await loadNounFinder(), seed)
  for await (const [, candidates] of units.units()) {
    signal.throwIfAborted()
    for (const own of byPicture(candidates)) writer.learn(captionsOf(own))
  }
  let place = 0
  let questions = 0
  for await (const [chunk, candidates] of units.units()) {
    signal.throwIfAborted()
    const answers = byPicture(candidates).flatMap((own) => {
      const [{ image, imageHash, seed: drawn }] = own as [Candidate, ...Candidate[]]
      const captioned = { image, imageHash, captions: captionsOf(own) }
      return writer
        .ask(captioned.captions, place++)
        .flatMap((question, i) => questionCandidates(captioned, question, `q${i}`, drawn))
    })
    await units.put(chunk, [...candidates.filter(isWritten), ...answers])
    questions += answers.length / 2
    progress(place, total, 'pictures', `${questions} questions`)
  }
  return questions
}

function byPicture(candidates: readonly Candidate[]): Candidate[][] {
  return [...groupBy(candidates.filter(isWritten), ({ imageHash }) => imageHash).values()]
}

/** The policy's first answer to each prompt, which is the greedy one where there is one; of next sentences, all before the end. */
function captionsOf(candidates: readonly Candidate[]): string[] {
  const own = candidates.filter(({ generator }) => generator === 'policy')
  return [...groupBy(own, ({ promptId }) => promptId).values()].flatMap((answers) => {
    const whole =
      answers.filter(isStop).at(-1)?.context ?? answers.find(({ context }) => context === undefined)?.text
    return whole === undefined ? [] : [whole]
  })
}
