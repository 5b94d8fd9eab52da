/** A Web Lock that is held; it ends with the tab as well. */
export interface HeldLock {
  release(): Promise<void>
}

type LockKind = 'exclusive' | 'shared'

/** Takes a lock that nobody who excludes it holds, or gives undefined. */
export async function tryLock(name: string, mode: LockKind = 'exclusive'): Promise<HeldLock | undefined> {
  return await request(name, { mode, ifAvailable: true })
}

/** Takes a lock, after waiting for those who exclude it. @throws the signal's reason when it is aborted before. */
export async function takeLock(
  name: string,
  mode: LockKind = 'exclusive',
  signal?: AbortSignal,
): Promise<HeldLock> {
  return (await request(name, { mode, ...(signal ? { signal } : {}) })) as HeldLock // only `ifAvailable` gives none
}

/** Does something while holding a lock, after waiting for it. */
export async function withLock<T>(name: string, use: () => Promise<T>): Promise<T> {
  const lock = await takeLock(name)
  try {
    return await use()
  } finally {
    await lock.release()
  }
}

/** Whether anyone holds a lock now, in this tab or another. */
export async function isLocked(name: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query()
  return held.some((lock) => lock.name === name)
}

/** The only place that knows `navigator.locks`. */
function request(name: string, options: LockOptions): Promise<HeldLock | undefined> {
  return new Promise((resolve, reject) => {
    let letGo = (): void => {}
    const released = new Promise<void>((done) => {
      letGo = done
    })
    const ended = navigator.locks.request(name, options, async (lock) => {
      resolve(
        lock
          ? {
              release: async () => {
                letGo()
                await ended
              },
            }
          : undefined,
      )
      if (lock) await released
    })
    ended.catch(reject)
  })
}
