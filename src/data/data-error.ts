/** A dataset is not what was expected; the message names file, row and column, what was expected and what came. */
export class DataError extends Error {
  override readonly name = 'DataError'
}

/** One row of a table as it lies in its file. */
export interface DataRow {
  /** File and row, for error messages. */
  readonly where: string
  readonly values: Readonly<Record<string, unknown>>
}
