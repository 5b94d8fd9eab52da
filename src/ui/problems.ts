/** What an error means for someone who did not write the program, by the error's name. */
const MEANINGS: Readonly<Record<string, string>> = {
  RunLockedError:
    'This run is open in another tab of this browser. Go on there, or close that tab and start here.',
  StorageFullError:
    'The browser’s storage is full. Delete runs below or free disk space, then resume: nothing that was finished is lost.',
  ImageMissingError: 'A picture is no longer in the browser’s storage. Start the run again: it is read anew.',
  IncompleteStageError:
    'Something stored was damaged. Start the run again: only what is missing is made anew.',
  MemoryError: 'The model does not fit into this computer’s GPU memory.',
  DeviceLostError:
    'The GPU stopped working, which happens when it is asked too much or its driver restarts. Resume to go on.',
  WorkerError: 'A part of the program broke down. Resume to go on from what was finished.',
  SourceError: 'A file could not be read.',
  RefusedError:
    'Its server does not give this to everybody: it is private, asks for a login or for terms to be accepted, or is not there. ' +
    'If you have access, download it and choose its folder.',
  UnreachableError:
    'A file could not be fetched: there is no network, or its server lets no other site read it. What was fetched is kept; try again.',
}

/** An error in plain words, what the program says of it behind. */
export function plainProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const meaning = MEANINGS[error.name]
  return meaning === undefined ? error.message : `${meaning} (${error.message})`
}

/** Whether an error only says that someone stopped it. */
export function isStop(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
