import type { Candidate } from '../../method/candidate.ts'
import { groupBy } from '../../method/group.ts'
import { isStop } from '../../method/scores.ts'

/** A picture with what the policy says of it first. */
export interface CaptionedPicture extends Pick<Candidate, 'image' | 'imageHash' | 'seed'> {
  /** The first answer to each prompt, which is the greedy one where there is one; of next sentences, all before the end. */
  readonly captions: readonly string[]
}

/** The pictures that candidates are about, in their order. */
export function captionedPictures(candidates: readonly Candidate[]): CaptionedPicture[] {
  return [...groupBy(candidates, ({ imageHash }) => imageHash).values()].map((own) => {
    const [{ image, imageHash, seed }] = own as [Candidate, ...Candidate[]]
    return { image, imageHash, seed, captions: captionsOf(own) }
  })
}

function captionsOf(candidates: readonly Candidate[]): string[] {
  const own = candidates.filter(({ generator }) => generator === 'policy')
  return [...groupBy(own, ({ promptId }) => promptId).values()].flatMap((answers) => {
    const whole =
      answers.filter(isStop).at(-1)?.context ?? answers.find(({ context }) => context === undefined)?.text
    return whole === undefined || whole.trim() === '' ? [] : [whole]
  })
}
