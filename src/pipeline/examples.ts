import type { RunOutput } from './run.ts'
import type { CaptionExample } from './stages/evaluate.ts'

/** What became of a picture's caption. */
export const CHANGES = ['fixed', 'broken', 'both', 'clean'] as const
export type Change = (typeof CHANGES)[number]

/** Whether a caption invented something before and after. */
export function changeOf({ before, after }: Pick<CaptionExample, 'before' | 'after'>): Change {
  const invents = (pieces: CaptionExample['before']): boolean =>
    pieces.some(({ verdict }) => verdict === 'hallucinated')
  if (invents(before)) return invents(after) ? 'both' : 'fixed'
  return invents(after) ? 'broken' : 'clean'
}

/** A few pictures that show what changed: first those that were mended, then a broken one where there is one. */
export async function runExamples({ evaluation }: RunOutput, most = 3): Promise<CaptionExample[]> {
  const byChange: Record<Change, CaptionExample[]> = { fixed: [], broken: [], both: [], clean: [] }
  for await (const [, examples] of evaluation.units.units()) {
    for (const example of examples) {
      const found = byChange[changeOf(example)]
      if (found.length < most) found.push(example)
    }
  }
  const { fixed, broken, both, clean } = byChange
  const honest = broken.slice(0, 1)
  const inOrder = [...fixed.slice(0, most - honest.length), ...honest, ...both, ...fixed, ...clean]
  return [...new Set(inOrder)].slice(0, most)
}
