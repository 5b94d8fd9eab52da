import type { FileSpec } from '../data/folder.ts'
import type { StoredImage } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

/** A stored picture is gone; running the dataset stage again reads it anew. */
export class ImageMissingError extends Error {
  override readonly name = 'ImageMissingError'
}

/** A picture's bytes. @throws {ImageMissingError} */
export async function imageBytes(
  store: Pick<Store, 'images'>,
  { hash, name }: Pick<StoredImage, 'hash' | 'name'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await store.images.get(hash)
  if (!bytes) {
    throw new ImageMissingError(
      `${name}: expected the picture in the store, found none or a damaged one; run the dataset stage again`,
    )
  }
  return bytes
}

/** A picture's bytes as a file for a worker. @throws {ImageMissingError} */
export async function imageFile(
  store: Pick<Store, 'images'>,
  image: Pick<StoredImage, 'hash' | 'name'>,
): Promise<FileSpec> {
  return { name: image.name, blob: new Blob([await imageBytes(store, image)]) }
}
