/** The browser's storage is full. What was stored before is whole: make room and resume. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError'
}

/** A run is open elsewhere, most likely in another tab; two at once would write the same results twice. */
export class RunLockedError extends Error {
  override readonly name = 'RunLockedError'
}

/** What is stored was written by a newer version of this page than the one that reads it. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError'
}

/** A stage's output lacks a part, because it was damaged or never finished; running the stage again makes that part. */
export class IncompleteStageError extends Error {
  override readonly name = 'IncompleteStageError'
}

/** There is no such run. */
export class UnknownRunError extends Error {
  override readonly name = 'UnknownRunError'
}
