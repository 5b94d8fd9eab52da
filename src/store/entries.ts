import { sha256 } from '../data/sha256.ts'
import type { ShelfKey } from './database.ts'
import type { References } from './kinds.ts'

/** What an index knows of a value, without reading it. */
export interface Entry {
  /** Version of the layout the value is written in. */
  readonly layout: number
  /** SHA-256 of the value's bytes. */
  readonly sum: string
  readonly byteLength: number
}

/** A value to be stored; its bytes must not change until it is. */
export interface Item {
  readonly key: ShelfKey
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Default nothing. */
  readonly refers?: References
}

/** Three records a value, written and removed together: what there is, what a sweep follows, and the bytes. */
export const GROUPS = ['index', 'refers', 'value'] as const

/** What the index is to know of bytes. */
export async function entryOf(bytes: Uint8Array<ArrayBuffer>, layout: number): Promise<Entry> {
  return { layout, sum: await sha256(bytes), byteLength: bytes.byteLength }
}

/** Why a value is not what its entry says, or undefined when it is. */
export async function damage(entry: Entry, value: unknown): Promise<string | undefined> {
  const { byteLength, sum } = entry
  if (!(value instanceof Uint8Array)) return `expected ${byteLength} bytes, found ${typeof value}`
  if (value.byteLength !== byteLength) return `expected ${byteLength} bytes, found ${value.byteLength}`
  const found = await sha256(value as Uint8Array<ArrayBuffer>)
  return found === sum ? undefined : `expected SHA-256 ${sum}, found ${found}`
}

/** Puts a value's records. */
export function write(store: IDBObjectStore, { key, bytes, refers }: Item, entry: Entry): void {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength
  store.put(entry, ['index', ...key])
  store.put(isWhole ? bytes : bytes.slice(), ['value', ...key]) // a part would be stored with all it is a part of
  if (refers) store.put(refers, ['refers', ...key])
  else store.delete(['refers', ...key])
}

/** Removes a value's records. */
export function remove(store: IDBObjectStore, key: ShelfKey): void {
  for (const group of GROUPS) store.delete([group, ...key])
}
