import { ShapeError } from '../gpu/errors.ts'

/** What turns positions into angles: Hugging Face's `inv_freq` and `attention_scaling` of a rotary embedding. */
export interface RopeFrequencies {
  /** Radians a position adds to each pair's angle. */
  invFreq: Float32Array // (headDim / 2)
  /** Factor on cosine and sine; 1 but for yarn and longrope. Default 1. */
  attentionFactor?: number
}

/**
 * Plain RoPE's frequencies, `theta^(-2 i / headDim)` (arXiv 2104.09864, section 3.2.2), rounded to f32 at each step as
 * PyTorch does: at position 32768 a last bit of the frequency is 2e-3 radians.
 */
export function defaultInvFreq(headDim: number, theta = 10_000): Float32Array<ArrayBuffer> {
  if (headDim % 2 !== 0) throw new ShapeError(`rope: expected an even headDim, got ${headDim}`)
  return Float32Array.from(
    { length: headDim / 2 },
    (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headDim)),
  )
}

/**
 * Cosines and sines of positions 0 .. maxPositions - 1, for `rope`.
 * The angle is position * invFreq rounded to f32, as PyTorch has it; its cosine and sine are exact to f32.
 * @returns (maxPositions, headDim): each position's headDim / 2 cosines, then its sines.
 */
export function ropeTable(
  { invFreq, attentionFactor = 1 }: RopeFrequencies,
  maxPositions: number,
): Float32Array<ArrayBuffer> {
  const half = invFreq.length
  const table = new Float32Array(maxPositions * 2 * half)
  for (let position = 0; position < maxPositions; position++) {
    invFreq.forEach((frequency, i) => {
      const angle = Math.fround(position * frequency)
      const at = position * 2 * half + i
      table[at] = Math.cos(angle) * attentionFactor
      table[at + half] = Math.sin(angle) * attentionFactor
    })
  }
  return table
}
