import { StorageFullError } from './errors.ts'

/** How full the browser's storage of this origin is, in bytes; all but IndexedDB counts too. */
export interface StorageState {
  readonly usage: number
  /** The browser's own bound, an estimate that moves with the disk. */
  readonly quota: number
  /** Whether the browser has promised not to clear it when the disk runs low. */
  readonly isPersisted: boolean
  /** `low` is to be shown before a run starts; at `full` the next write is likely to fail. */
  readonly level: 'ok' | 'low' | 'full'
}

/** The part of `navigator.storage` that is used, so that a test can be a full disk. */
export type StorageManagerLike = Pick<StorageManager, 'estimate' | 'persist' | 'persisted'>

const LOW = 0.8
const FULL = 0.98

/** Asks how full the storage is. */
export async function storageState(manager: StorageManagerLike = navigator.storage): Promise<StorageState> {
  const [{ usage = 0, quota = 0 }, isPersisted] = await Promise.all([manager.estimate(), manager.persisted()])
  const filled = quota > 0 ? usage / quota : 1
  return { usage, quota, isPersisted, level: filled >= FULL ? 'full' : filled >= LOW ? 'low' : 'ok' }
}

/**
 * Asks the browser to keep what is stored when the disk runs low. Some browsers ask the user: do it on a click.
 * @returns whether it promised to.
 */
export async function askPersistence(manager: StorageManagerLike = navigator.storage): Promise<boolean> {
  return (await manager.persisted()) || (await manager.persist())
}

/** Says that the storage is full or nearly so; undefined while there is room. */
export function storageNote({
  usage,
  quota,
  level,
}: Pick<StorageState, 'usage' | 'quota' | 'level'>): string | undefined {
  if (level === 'ok') return undefined
  return (
    `the browser's storage is ${level === 'full' ? 'full' : 'nearly full'}: ${megabytes(usage)} of ${megabytes(quota)} are used; ` +
    'free disk space, or what is made may stop before its end: it then goes on from there'
  )
}

/** The error for bytes that did not fit. Some browsers name a quota that the disk has no room for; it is not told then. */
export function storageFull(
  byteLength: number,
  { usage, quota }: Pick<StorageState, 'usage' | 'quota'>,
  cause?: unknown,
): StorageFullError {
  const left = Math.max(0, quota - usage)
  const got =
    left > byteLength ? 'the browser has none left' : `got ${megabytes(left)} of ${megabytes(quota)}`
  return new StorageFullError(
    `expected room for ${megabytes(byteLength)} in the browser's storage, ${got}: ` +
      'delete runs or free disk space, which a browser may take a minute to notice, then resume; nothing stored before is lost',
    { cause },
  )
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`
