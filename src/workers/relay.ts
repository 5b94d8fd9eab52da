import { releaseProxy } from 'comlink'

/** Calls to a function on the other side: in order, without waiting, until the end. */
export interface Relay<T> {
  send(value: T): void
  /** Resolves when all that was sent has arrived, and lets the function go; a call's result must not overtake its events. */
  settle(): Promise<void>
}

/** @param callback a function, or Comlink's proxy of one. */
export function relayTo<T>(callback: ((value: T) => void) | undefined): Relay<T> {
  let last: Promise<unknown> = Promise.resolve()
  return {
    send(value) {
      if (!callback) return
      const sent = Promise.resolve(callback(value))
      sent.catch(() => {}) // told by `settle`
      last = Promise.all([last, sent])
      last.catch(() => {})
    },
    async settle() {
      try {
        await last
      } finally {
        ;(callback as { [releaseProxy]?: () => void } | undefined)?.[releaseProxy]?.()
      }
    },
  }
}
