import { imageType } from '../data/image-type.ts'
import type { Store } from '../store/store.ts'

/**
 * Small copies of pictures as `data:` addresses by the pictures' hashes, so that they can be part of a document.
 * Pictures without a thumbnail that can be shown are left out.
 */
export async function thumbnailUrls(
  { thumbnails }: Pick<Store, 'thumbnails'>,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(hashes)]
  const files = await thumbnails.getMany(wanted)
  return new Map(
    wanted.flatMap((hash, i): [string, string][] => {
      const bytes = files[i]
      const type = bytes && imageType(bytes)
      return type ? [[hash, `data:image/${type};base64,${base64(bytes)}`]] : []
    }),
  )
}

/** Spread over calls, since a call takes so many arguments only. */
function base64(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 8192)
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)))
  return btoa(parts.join(''))
}
