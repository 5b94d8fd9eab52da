import type { Candidate } from './candidate.ts'
import type { Funnel } from './funnel.ts'
import { showCandidate } from './rules.ts'
import { choiceKey } from './scores.ts'

/**
 * Merges candidates of one choice whose texts are the same but for spaces: the first stays, with `count` the number of answers
 * it stands for.
 * @param funnel counts the others as removed, by the rule `duplicates`.
 */
export function mergeDuplicates<T extends Candidate>(candidates: readonly T[], funnel: Funnel): T[] {
  const firsts = new Map<string, T>()
  const counts = new Map<T, number>()
  const kept = funnel.filter(
    'duplicates',
    'candidates',
    candidates,
    (candidate) => {
      const key = `${choiceKey(candidate)} ${candidate.text.trim().replace(/\s+/g, ' ')}`
      const first = firsts.get(key) ?? candidate
      firsts.set(key, first)
      counts.set(first, (counts.get(first) ?? 0) + (candidate.count ?? 1))
      return first === candidate ? undefined : `the same as ${first.generator}'s answer ${first.candidate}`
    },
    showCandidate,
  )
  return kept.map((candidate) => {
    const count = counts.get(candidate) as number
    return count === (candidate.count ?? 1) ? candidate : { ...candidate, count }
  })
}
