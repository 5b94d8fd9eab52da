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
  const lines = result.issues.map((issue) => {
    const path = v.getDotPath(issue) ?? 'the document'
    if (issue.type === 'strict_object' && issue.expected === 'never') return `${path}: no such setting`
    return issue.expected
      ? `${path}: expected ${issue.expected}, got ${issue.received}`
      : `${path}: ${issue.message}`
  })
  throw fail(lines.join('; '))
}
