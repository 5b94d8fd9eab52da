/** A value of several recipes that is not the same in all of them. */
export interface RecipeDifference {
  /** Such as `train.config.beta`. */
  readonly path: string
  /** By recipe; undefined where one has none. */
  readonly values: readonly unknown[]
}

/** Where JSON documents differ, leaf by leaf in the order of the first; lists are leaves. */
export function recipeDiff(recipes: readonly unknown[]): RecipeDifference[] {
  const found = recipes.map((recipe) => new Map(leaves(recipe)))
  return [...new Set(found.flatMap((leaf) => [...leaf.keys()]))]
    .map((path) => ({ path, values: found.map((leaf) => leaf.get(path)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1)
}

function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === '' ? key : `${path}.${key}`))
}
