/** A model's images cannot be read: files are missing, or of a kind not known here. */
export class ImageEncoderError extends Error {
  override readonly name = 'ImageEncoderError'
}
