import type { Grid } from './anyres.ts'

/** What stands before each tile of an image, and after the last. */
export const AROUND = '<fake_token_around_image>'
/** What names the tile that shows the whole image. */
export const WHOLE = '<global-img>'

/**
 * What Idefics 3's and SmolVLM's processors put for an image, as text: the parts row by row, each after its mark, then the whole.
 * @param tile what stands for a tile's features: the image token, once.
 */
export function markedTiles(tile: string, { rows, cols }: Grid): string {
  const whole = `${AROUND}${WHOLE}${tile}${AROUND}`
  if (rows === 0 && cols === 0) return whole
  const row = (r: number): string =>
    `${Array.from({ length: cols }, (_, c) => `${AROUND}<row_${r + 1}_col_${c + 1}>${tile}`).join('')}\n`
  return `${Array.from({ length: rows }, (_, r) => row(r)).join('')}\n${whole}`
}
