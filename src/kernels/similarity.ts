import scalar from '../../shaders/common/element.scalar.wgsl?raw'
import order from '../../shaders/common/order.wgsl?raw'
import source from '../../shaders/similarity.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, teamSpec } from './common.ts'
import { compileElementKernel, rowsPerGroup } from './element.ts'

/** Most texts `top` lists per image. */
export const MAX_LISTED = 32

/** Texts whose scores `top` and `means` hold at a time, at most. */
const STRIP_WIDTH = 1024

/** Images and texts with their inverse norms; all pairs are scored. */
export interface Pairs {
  images: Tensor // (I, D)
  texts: Tensor // (N, D)
  imageNorm: Tensor // (I), from `norms`
  textNorm: Tensor // (N), from `norms`
  /** Default 100, CLIPScore's. */
  scale?: number
}

/**
 * CLIP similarity: `scale * cos(image, text)` without storing normalised vectors (arXiv 2104.08718).
 * A vector whose components are all within 1e-30 counts as zero and scores 0.
 */
export interface Similarity {
  /** `norm = 1 / |row|`, 0 for zero rows. */
  norms(args: {
    rows: Tensor // (rows, D)
    norm: Tensor // (rows), assigned
  }): void
  /** Scores of each image's own texts: those of image i are rows offsets[i] to offsets[i + 1] - 1. */
  candidates(
    args: Pairs & {
      offsets: Tensor // (I + 1), u32, from 0 to N, never falling
      score: Tensor // (N), assigned
    },
  ): void
  /** Each candidate's rank within its image (0 = best, the lower index first among equals), and the extremes. */
  rank(args: {
    score: Tensor // (N)
    offsets: Tensor // (I + 1), u32
    ranks: Tensor // (N), u32, assigned
    extremes: Tensor // (I, 3), assigned: best, worst, gap = best - worst; zeros without candidates
  }): void
  /** Scores of all pairs. */
  matrix(
    args: Pairs & {
      scores: Tensor // (I, N), assigned
    },
  ): void
  /** Each image's k best texts, the best first, the lower index first among equals; k <= 32 and k <= N. */
  top(
    args: Pairs & {
      strip: Tensor // similarityStripShape(I, N), scratch
      index: Tensor // (I, k), u32, assigned
      score: Tensor // (I, k), assigned
    },
  ): void
  /** Each text's mean score over all images, for calibrated scores. */
  means(
    args: Pairs & {
      strip: Tensor // similarityStripShape(I, N), scratch
      mean: Tensor // (N), assigned
    },
  ): void
}

/** Shape of the scratch of `top` and `means`. */
export function similarityStripShape(
  images: number,
  texts: number,
): readonly [images: number, width: number] {
  return [images, Math.min(texts, STRIP_WIDTH)]
}

/** Compiles similarity. @throws {KernelError} when a shader does not compile. */
export async function createSimilarity(gpu: Gpu, options: KernelOptions = {}): Promise<Similarity> {
  const team = teamSpec(gpu, options)
  const shader = { path: 'shaders/similarity.wgsl', source }
  const common = [{ path: 'shaders/common/order.wgsl', source: order }, ...(team.common ?? [])]
  const groupRows = rowsPerGroup(gpu, options)
  const overrides = { ROWS_PER_GROUP: groupRows }
  const byElement = (entryPoint: string, withOverrides = true) =>
    compileElementKernel(gpu, {
      label: `similarity.${entryPoint}`,
      shader,
      entryPoint,
      common,
      enable: team.enable ?? [],
      overrides: withOverrides ? overrides : {},
    })
  const byNumber = (entryPoint: string) =>
    gpu.kernel({
      label: `similarity.${entryPoint}`,
      shader,
      entryPoint,
      common: [{ path: 'shaders/common/element.scalar.wgsl', source: scalar }, ...common],
      enable: team.enable ?? [],
    })
  const [norms, candidates, matrix, rank, top, means] = await Promise.all([
    byElement('norms'),
    byElement('candidates'),
    byElement('matrix', false),
    byNumber('rank'),
    byNumber('top'),
    byNumber('means'),
  ])

  function checkPairs(kernel: string, { images, texts, imageNorm, textNorm }: Pairs) {
    const [count, dim] = expectMatrix(kernel, 'images', images)
    const [textCount, textDim] = expectMatrix(kernel, 'texts', texts)
    expectShape(kernel, 'texts', texts, [textCount, dim])
    expectShape(kernel, 'imageNorm', imageNorm, [count])
    expectShape(kernel, 'textNorm', textNorm, [textCount])
    return { count, texts: textCount, dim: textDim }
  }
  function scoreStrip(pairs: Pairs, strip: Tensor, start: number, width: number): void {
    const [images, dim] = expectMatrix(matrix.label, 'images', pairs.images)
    const { kernel, width: element } = matrix.pick(dim)
    kernel.dispatch(
      {
        image: pairs.images,
        text: pairs.texts,
        image_norm: pairs.imageNorm,
        text_norm: pairs.textNorm,
        strip,
      },
      {
        ...NO_PARAMS,
        images,
        texts: pairs.texts.shape[0] ?? 0,
        elements: dim / element,
        start,
        width,
        scale: pairs.scale ?? 100,
      },
      [Math.ceil(width / 32), Math.ceil(images / 32), 1],
      { flops: 2 * images * width * dim, bytes: 4 * (images * dim + width * dim + images * width) },
    )
  }
  /** Calls back for each strip of texts with its scores. */
  function eachStrip(
    kernel: string,
    pairs: Pairs,
    strip: Tensor,
    use: (scored: Tensor, params: { images: number; start: number; width: number }) => void,
  ): void {
    const { count, texts } = checkPairs(kernel, pairs)
    const shape = similarityStripShape(count, texts)
    expectShape(kernel, 'strip', strip, shape)
    for (let start = 0; start < texts; start += shape[1]) {
      const width = Math.min(shape[1], texts - start)
      scoreStrip(pairs, strip, start, width)
      use(strip, { images: count, start, width })
    }
  }

  return {
    norms({ rows, norm }) {
      const [count, dim] = expectMatrix(norms.label, 'rows', rows)
      expectShape(norms.label, 'norm', norm, [count])
      if (count === 0) return
      const { kernel, width } = norms.pick(dim)
      kernel.dispatch(
        { image: rows, norm },
        { ...NO_PARAMS, images: count, elements: dim / width },
        [Math.ceil(count / groupRows), 1, 1],
        { flops: 4 * rows.size, bytes: 2 * rows.byteLength },
      )
    },
    candidates({ offsets, score, ...pairs }) {
      const { count, texts, dim } = checkPairs(candidates.label, pairs)
      expectShape(candidates.label, 'offsets', offsets, [count + 1], 'u32')
      expectShape(candidates.label, 'score', score, [texts])
      if (texts === 0) return
      const { kernel, width } = candidates.pick(dim)
      kernel.dispatch(
        {
          image: pairs.images,
          text: pairs.texts,
          image_norm: pairs.imageNorm,
          text_norm: pairs.textNorm,
          offsets,
          score,
        },
        { ...NO_PARAMS, images: count, texts, elements: dim / width, scale: pairs.scale ?? 100 },
        [Math.ceil(texts / groupRows), 1, 1],
        { flops: 2 * texts * dim, bytes: 8 * texts * dim },
      )
    },
    rank({ score, offsets, ranks, extremes }) {
      const [texts = 0] = score.shape
      const images = offsets.size - 1
      expectShape(rank.label, 'score', score, [texts])
      expectShape(rank.label, 'offsets', offsets, [images + 1], 'u32')
      expectShape(rank.label, 'ranks', ranks, [texts], 'u32')
      expectShape(rank.label, 'extremes', extremes, [images, 3])
      if (images === 0) return
      rank.dispatch(
        { scored: score, offsets, ranks, extremes },
        { ...NO_PARAMS, images, texts },
        [images, 1, 1],
        { flops: (texts * texts) / images, bytes: 12 * texts },
      )
    },
    matrix({ scores, ...pairs }) {
      const { count, texts } = checkPairs(matrix.label, pairs)
      expectShape(matrix.label, 'scores', scores, [count, texts])
      if (scores.size > 0) scoreStrip(pairs, scores, 0, texts)
    },
    top({ strip, index, score, ...pairs }) {
      const [, k] = expectMatrix(top.label, 'score', score)
      const [images = 0] = pairs.images.shape
      const [texts = 0] = pairs.texts.shape
      expectShape(top.label, 'score', score, [images, k])
      expectShape(top.label, 'index', index, [images, k], 'u32')
      if (k > Math.min(MAX_LISTED, texts)) {
        throw new ShapeError(
          `${top.label}: expected at most ${Math.min(MAX_LISTED, texts)} texts an image, got ${k}`,
        )
      }
      eachStrip(top.label, pairs, strip, (scored, { start, width }) => {
        top.dispatch(
          { scored, top_index: index, top_score: score },
          { ...NO_PARAMS, images, start, width, listed: Math.min(k, start), count: k },
          [images, 1, 1],
          { flops: 2 * images * width, bytes: 8 * images * width },
        )
      })
    },
    means({ strip, mean, ...pairs }) {
      expectShape(means.label, 'mean', mean, [pairs.texts.shape[0] ?? 0])
      eachStrip(means.label, pairs, strip, (scored, { images, start, width }) => {
        means.dispatch(
          { scored, mean },
          { ...NO_PARAMS, images, start, width },
          [Math.ceil(width / 64), 1, 1],
          { flops: images * width, bytes: 4 * images * width },
        )
      })
    },
  }
}

const NO_PARAMS = { images: 0, texts: 0, elements: 0, start: 0, width: 0, listed: 0, count: 0, scale: 1 }
