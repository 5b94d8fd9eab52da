/** Breaks a worker's job off when a run is cancelled. @throws the signal's reason, or what the job throws. */
export async function cancellable<T>(
  signal: AbortSignal,
  client: { cancel(): Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const cancel = (): void => {
    void client.cancel()
  }
  signal.addEventListener('abort', cancel)
  try {
    return await work()
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
