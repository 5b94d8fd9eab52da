/** A value of two recipes that is not the same; undefined where one has none. */
export interface RecipeDifference {
  /** Such as `train.config.beta`. */
  readonly path: string
  readonly first: unknown
  readonly second: unknown
}

/** Where two JSON documents differ, leaf by leaf in the order of the first; lists are leaves. */
export function recipeDiff(first: unknown, second: unknown): RecipeDifference[] {
  const [a, b] = [new Map(leaves(first)), new Map(leaves(second))]
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((path) => ({ path, first: a.get(path), second: b.get(path) }))
    .filter((found) => JSON.stringify(found.first) !== JSON.stringify(found.second))
}

function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === '' ? key : `${path}.${key}`))
}
