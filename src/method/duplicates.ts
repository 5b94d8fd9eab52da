import type { Candidate } from './candidate.ts'
import type { Funnel, FunnelExample } from './funnel.ts'
import { showCandidate } from './rules.ts'
import { choiceKey } from './scores.ts'

/**
 * Merges candidates of one choice whose texts are the same but for spaces: the first stays, with `count` the number of answers
 * it stands for.
 * @param funnel counts all answers as having come, those merged when they were written too, and the others as removed, by the
 *   rule `duplicates`.
 */
export function mergeDuplicates<T extends Candidate>(candidates: readonly T[], funnel: Funnel): T[] {
  const merged = new Map<string, { readonly first: T; count: number }>()
  const examples: FunnelExample[] = []
  let came = 0
  for (const candidate of candidates) {
    const { count = 1 } = candidate
    came += count
    const key = `${choiceKey(candidate)} ${candidate.text.trim().replace(/\s+/g, ' ')}`
    const known = merged.get(key)
    const { first } = known ?? { first: candidate }
    if (known) known.count += count
    else merged.set(key, { first, count })
    if (known || count > 1) {
      const times = known ? count : count - 1
      const again = times > 1 ? `, ${times} times` : ''
      examples.push({
        ...showCandidate(candidate),
        why: `the same as ${first.generator}'s answer ${first.candidate}${again}`,
      })
    }
  }
  const remained = merged.size
  funnel.add([{ rule: 'duplicates', unit: 'candidates', came, removed: came - remained, remained, examples }])
  return [...merged.values()].map(({ first, count }) =>
    count === (first.count ?? 1) ? first : { ...first, count },
  )
}
