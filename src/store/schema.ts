import type { HashedRecord } from '../data/unique.ts'

/** An image of a dataset; its bytes lie in `images`, a small copy in `thumbnails`, both under `hash`. */
export type StoredImage = Omit<HashedRecord, 'bytes'>
