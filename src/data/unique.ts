import type { ImageRecord } from './image-records.ts'
import { sha256 } from './sha256.ts'

/** An image with what it is known by everywhere else. */
export interface HashedRecord extends ImageRecord {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string
}

/** An image whose bytes came before. */
export interface Duplicate {
  readonly name: string
  readonly hash: string
  /** The name it came under first. */
  readonly first: string
}

/**
 * Images by content: the first of equal ones, with its own captions and truth; of all others the hashes alone are held.
 * @param onDuplicate is told of each further one.
 */
export async function* uniqueRecords(
  records: AsyncIterable<ImageRecord>,
  onDuplicate: (duplicate: Duplicate) => void = () => {},
): AsyncGenerator<HashedRecord> {
  const names = new Map<string, string>()
  for await (const record of records) {
    const hash = await sha256(record.bytes)
    const first = names.get(hash)
    if (first === undefined) {
      names.set(hash, record.name)
      yield { ...record, hash }
    } else onDuplicate({ name: record.name, hash, first })
  }
}
