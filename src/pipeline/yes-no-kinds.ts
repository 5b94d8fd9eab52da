import { YES_NO_COUNTS, type YesNoScores, yesNoCounts, yesNoFromSums } from '../evaluate/yes-no.ts'
import type { MeasureOutput } from './stages/measure.ts'

/** Questions of one kind, such as `existence`; figures in percent. */
export interface YesNoKind {
  readonly kind: string
  readonly questions: number
  readonly before: YesNoScores
  readonly after: YesNoScores
}

/** How yes/no questions were answered, by their kind; the kinds with most questions first. */
export async function yesNoKinds(before: MeasureOutput, after: MeasureOutput): Promise<YesNoKind[]> {
  const [first, second] = [await yesNoSums(before), await yesNoSums(after)]
  return [...first]
    .map(([kind, sums]) => {
      const f1Addition = kind === 'existence' ? 1e-3 : 1e-4 // as AMBER's script
      const scores = (of: readonly number[]) => yesNoFromSums(of, f1Addition)
      return { kind, questions: sums[0] ?? 0, before: scores(sums), after: scores(second.get(kind) ?? []) }
    })
    .sort((a, b) => b.questions - a.questions || (a.kind < b.kind ? -1 : 1))
}

/** Sums of `yesNoCounts` by kind. */
async function yesNoSums({ units }: MeasureOutput): Promise<Map<string, number[]>> {
  const sums = new Map<string, number[]>()
  for await (const [, measured] of units.units()) {
    for (const { kind, ...answer } of measured.flatMap(({ answers }) => answers)) {
      const own = sums.get(kind) ?? new Array<number>(YES_NO_COUNTS.length).fill(0)
      const counts = yesNoCounts([answer])
      sums.set(
        kind,
        own.map((sum, i) => sum + (counts[i] ?? 0)),
      )
    }
  }
  return sums
}
