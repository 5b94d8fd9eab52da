import type { Candidate } from '../../method/candidate.ts'
import { Funnel, type FunnelExample } from '../../method/funnel.ts'
import { type ImageQuestion, readReply, WRITTEN_QUESTIONS } from '../../method/written-questions.ts'
import type { CaptionSummary } from './caption.ts'
import type { QuestionReply } from './question-replies.ts'

/** Unreadable questions that are kept to be shown; all are counted. */
const MOST_KEPT = 100
/** Characters shown of one. */
const SHOWN = 300
/** Unreadable questions named one by one where there is no list to unfold. */
const MOST_NAMED = 5

/** The funnel's name for questions that a text model wrote in another form than it was asked for. */
export const UNREADABLE = 'unreadable question'

/** Reads replies one after the other, and counts what could not be read. */
export class ReplyReader {
  readonly #most: number
  readonly #funnel = new Funnel()
  readonly #unreadable: FunnelExample[] = []

  /** @param perImage most questions about one image. */
  constructor(perImage: number | null) {
    this.#most = perImage ?? WRITTEN_QUESTIONS
    this.#count(0, [])
  }

  /** The questions about one image; none where no reply was written about it. */
  read({ image }: Pick<Candidate, 'image'>, reply: QuestionReply | undefined): readonly ImageQuestion[] {
    if (!reply) return []
    const { questions, faults } = readReply(reply.text, reply.finishReason === 'length')
    const asked = questions.slice(0, this.#most)
    const unreadable = faults.map(({ text, why }) => ({ image, text: shown(text), why: shown(why) }))
    this.#count(asked.length, unreadable)
    return asked
  }

  /** What came of all replies. */
  said(): Required<Pick<CaptionSummary, 'funnel' | 'unreadable'>> {
    return { funnel: this.#funnel.steps, unreadable: this.#unreadable }
  }

  #count(remained: number, examples: readonly FunnelExample[]): void {
    const removed = examples.length
    this.#funnel.add([
      { rule: UNREADABLE, unit: 'questions', came: remained + removed, removed, remained, examples },
    ])
    this.#unreadable.push(...examples.slice(0, MOST_KEPT - this.#unreadable.length))
  }
}

/** What could not be read, in words, a line each. */
export function unreadableNotes({
  funnel = [],
  unreadable = [],
}: Pick<CaptionSummary, 'funnel' | 'unreadable'>): string[] {
  const count = funnel.find(({ rule }) => rule === UNREADABLE)?.removed ?? 0
  const named = unreadable
    .slice(0, MOST_NAMED)
    .map(
      ({ image, text, why }) =>
        `could not read a question about ${image}: ${why}; it says ${JSON.stringify(text)}`,
    )
  const more = count - named.length
  return more > 0 ? [...named, `could not read ${more} more questions`] : named
}

function shown(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text
}
