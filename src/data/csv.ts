import { DataError } from './data-error.ts'

/**
 * Records of a CSV text with a header (RFC 4180: quotes may hold separators, line ends and doubled quotes).
 * @param name for error messages. @param separator default a comma.
 * @throws {DataError} for a quote that is not closed, or a record with more or fewer fields than the header.
 */
export function readCsv(text: string, name: string, separator = ','): Record<string, string>[] {
  const [header, ...records] = fields(text.replace(/^\ufeff/, ''), name, separator)
  if (!header) return []
  return records.map((record, i) => {
    if (record.length !== header.length)
      throw new DataError(`${name}: record ${i + 1}: expected ${header.length} fields, got ${record.length}`)
    return Object.fromEntries(header.map((column, j) => [column.trim(), record[j] ?? '']))
  })
}

function fields(text: string, name: string, separator: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let at = 0
  while (at < text.length) {
    let field = ''
    if (text[at] === '"') {
      at++
      for (;;) {
        const quote = text.indexOf('"', at)
        if (quote < 0)
          throw new DataError(`${name}: record ${records.length}: expected a closing quote, found none`)
        field += text.slice(at, quote)
        at = quote + 1
        if (text[at] !== '"') break
        field += '"'
        at++
      }
    }
    const start = at
    while (at < text.length && text[at] !== separator && text[at] !== '\n') at++
    record.push(field + text.slice(start, at).replace(/\r$/, ''))
    if (text[at] === separator && at + 1 < text.length) at++
    else {
      if (text[at] === separator) record.push('') // the last field of all is empty
      if (record.length > 1 || record[0] !== '') records.push(record)
      record = []
      at++
    }
  }
  return records
}
