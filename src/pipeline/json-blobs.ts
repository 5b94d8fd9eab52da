/** A value as a file of JSON for people to read. */
export function jsonBlob(value: unknown): Blob {
  return new Blob([`${JSON.stringify(value, null, 2)}\n`])
}

/** Rows as a file of JSON lines. A few thousand at a time are joined, so that a large file is a blob of parts and never one string. */
export async function jsonLines(rows: AsyncIterable<unknown>): Promise<Blob> {
  const parts: Blob[] = []
  const part: string[] = []
  for await (const row of rows) {
    part.push(`${JSON.stringify(row)}\n`)
    if (part.length === 4096) parts.push(new Blob(part.splice(0)))
  }
  return new Blob([...parts, ...part])
}
