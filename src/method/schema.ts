import * as v from 'valibot'

/**
 * Checks JSON against a schema.
 * @param fail makes the error to throw from a message that names every faulty path, what was expected and what came.
 */
export function readSchema<T extends v.GenericSchema>(
  schema: T,
  json: unknown,
  fail: (message: string) => Error,
): v.InferOutput<T> {
  const result = v.safeParse(schema, json)
  if (result.success) return result.output
  throw fail(result.issues.flatMap((issue) => problems(issue)).join('; '))
}

/** What an issue says, one line for each fault; of alternatives those that the input came nearest to. @param above the path it is under. */
function problems(issue: v.BaseIssue<unknown>, above = ''): string[] {
  const path = joined(above, issue)
  const nested = issue.type === 'union' ? (issue.issues ?? []) : []
  const depth = Math.max(0, ...nested.map(({ path: own }) => own?.length ?? 0))
  if (depth > 0) {
    const nearest = nested.filter(({ path: own }) => own?.length === depth)
    return nearest.flatMap((alternative) => problems(alternative, path))
  }
  const where = path === '' ? 'the document' : path
  const isObject = issue.type === 'strict_object' || issue.type === 'loose_object' || issue.type === 'object'
  if (isObject && issue.expected === 'never') return [`${where}: no such setting`]
  if (isObject && issue.expected?.startsWith('"') && issue.received === 'undefined')
    return [`${where}: missing`]
  return [
    issue.expected
      ? `${where}: expected ${issue.expected}, got ${issue.received}`
      : `${where}: ${issue.message}`,
  ]
}

/** As in `train.loss_type.0`. */
function joined(above: string, issue: v.BaseIssue<unknown>): string {
  const own = v.getDotPath(issue) ?? ''
  return above === '' || own === '' ? above + own : `${above}.${own}`
}
