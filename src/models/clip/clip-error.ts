/** A folder is no CLIP as it is expected here, or texts, images or embeddings do not fit it. */
export class ClipError extends Error {
  override readonly name = 'ClipError'
}
