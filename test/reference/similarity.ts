import { at } from '../support/numeric.ts'

/** `scale * cos` of all pairs in float64, 0 where either vector is zero; images (I, D), texts (N, D). */
export function similarityMatrix(
  images: ArrayLike<number>,
  texts: ArrayLike<number>,
  dim: number,
  scale = 100,
): Float64Array {
  const norm = (rows: ArrayLike<number>, row: number) => {
    let squares = 0
    for (let c = 0; c < dim; c++) squares += at(rows, row * dim + c) ** 2
    return Math.sqrt(squares)
  }
  const [count, textCount] = [images.length / dim, texts.length / dim]
  const imageNorms = Array.from({ length: count }, (_, i) => norm(images, i))
  const textNorms = Array.from({ length: textCount }, (_, n) => norm(texts, n))
  return Float64Array.from({ length: count * textCount }, (_, p) => {
    const [i, n] = [Math.floor(p / textCount), p % textCount]
    let dot = 0
    for (let c = 0; c < dim; c++) dot += at(images, i * dim + c) * at(texts, n * dim + c)
    const norms = at(imageNorms, i) * at(textNorms, n)
    return norms > 0 ? (scale * dot) / norms : 0
  })
}

/** Ranks of each image's candidates and (best, worst, gap) per image, by sorting. */
export function rankCandidates(
  scores: ArrayLike<number>,
  offsets: ArrayLike<number>,
): { ranks: number[]; extremes: number[] } {
  const ranks = new Array<number>(scores.length).fill(0)
  const extremes: number[] = []
  for (let i = 0; i + 1 < offsets.length; i++) {
    const own = Array.from({ length: at(offsets, i + 1) - at(offsets, i) }, (_, k) => at(offsets, i) + k)
    own.sort((a, b) => at(scores, b) - at(scores, a) || a - b)
    own.forEach((n, rank) => {
      ranks[n] = rank
    })
    const [best, worst] =
      own.length > 0 ? [at(scores, at(own, 0)), at(scores, at(own, own.length - 1))] : [0, 0]
    extremes.push(best, worst, best - worst)
  }
  return { ranks, extremes }
}

/** Indices of a row's k largest scores, the lower index first among equals. */
export function topOf(scores: ArrayLike<number>, k: number): number[] {
  return Array.from({ length: scores.length }, (_, n) => n)
    .sort((a, b) => at(scores, b) - at(scores, a) || a - b)
    .slice(0, k)
}
