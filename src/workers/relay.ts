import { releaseProxy } from 'comlink'

/**
 * Does work that calls a function on the other side: in order, without waiting. The function is let go at the end, whatever
 * the end is; neither a result nor an error overtakes what was sent before it.
 * @param callback a function, or Comlink's proxy of one.
 * @throws what the work throws, or else what a call did.
 */
export async function relayed<T, R>(
  callback: ((value: T) => void) | undefined,
  work: (send: (value: T) => void) => Promise<R>,
): Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  const send = (value: T): void => {
    if (!callback) return
    last = Promise.all([last, callback(value)]).then(() => {})
    last.catch(() => {}) // told at the end
  }
  try {
    const result = await work(send)
    await last
    return result
  } finally {
    await last.catch(() => {})
    letGo(callback)
  }
}

/** Lets go of a function on the other side, where it is one. */
export function letGo(callback: unknown): void {
  ;(callback as { [releaseProxy]?: () => void } | undefined)?.[releaseProxy]?.()
}
