import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import {
  createSimilarity,
  MAX_LISTED,
  type Pairs,
  type Similarity,
  similarityStripShape,
} from '../../kernels/similarity.ts'
import type { WorkOptions } from './batches.ts'
import { ClipError } from './clip-error.ts'
import { type AllPairs, type Candidates, checkOffsets, checkPairs, meanUnitRow } from './embeddings.ts'

export interface CandidateScores {
  /** 100 x cosine. */
  readonly scores: Float32Array<ArrayBuffer> // (N)
  /** Place among the image's texts, 0 the best; of equals the first comes first. */
  readonly ranks: Uint32Array<ArrayBuffer> // (N)
  /** Best, worst and gap of each image; zeros where it has no texts. */
  readonly extremes: Float32Array<ArrayBuffer> // (I, 3)
}

export interface TopTexts {
  /** The best first, of equals the first. */
  readonly indices: Uint32Array<ArrayBuffer> // (I, k)
  /** 100 x cosine. */
  readonly scores: Float32Array<ArrayBuffer> // (I, k)
}

/** Rows sent to the GPU at once; an image's own texts stay together. */
const PART_ROWS = 4096
/** Scores of all pairs held on the GPU at once. */
const PART_SCORES = 2 ** 22

/**
 * Scores of embeddings, 100 x cosine (CLIPScore of arXiv 2104.08718 without its cut at zero), on the GPU, a part at a time,
 * so that no more than a part is held there.
 */
export class ClipScorer {
  readonly #gpu: Gpu
  readonly #similarity: Similarity

  private constructor(gpu: Gpu, similarity: Similarity) {
    this.#gpu = gpu
    this.#similarity = similarity
  }

  static async create(gpu: Gpu): Promise<ClipScorer> {
    return new ClipScorer(gpu, await createSimilarity(gpu))
  }

  /** Scores of each image's own texts. @throws {ClipError} for sizes that do not fit each other. */
  async score(job: Candidates, { signal, onProgress }: WorkOptions = {}): Promise<CandidateScores> {
    const { images, texts, dim, offsets } = job
    const { imageCount, textCount } = checkPairs(job)
    checkOffsets(offsets, imageCount, textCount)
    const scores = new Float32Array(textCount)
    const ranks = new Uint32Array(textCount)
    const extremes = new Float32Array(3 * imageCount)
    for (const { first, end } of partsOf(offsets)) {
      signal?.throwIfAborted()
      const [from, to] = [offsets[first] ?? 0, offsets[end] ?? 0]
      if (to > from) {
        const own = offsets.slice(first, end + 1).map((offset) => offset - from)
        const part = {
          images: images.subarray(first * dim, end * dim),
          texts: texts.subarray(from * dim, to * dim),
          dim,
        }
        await this.#lend(async (lend) => {
          const pairs = this.#pairs(lend, part)
          const starts = lend(this.#gpu.upload(own, [own.length], 'clip.offsets'))
          const score = lend(this.#gpu.tensor([to - from], 'clip.score'))
          const rank = lend(this.#gpu.tensor([to - from], 'clip.rank', 'u32'))
          const extreme = lend(this.#gpu.tensor([end - first, 3], 'clip.extremes'))
          this.#similarity.candidates({ ...pairs, offsets: starts, score })
          this.#similarity.rank({ score, offsets: starts, ranks: rank, extremes: extreme })
          scores.set(await this.#gpu.readF32(score), from)
          ranks.set(await this.#gpu.readU32(rank), from)
          extremes.set(await this.#gpu.readF32(extreme), 3 * first)
        })
      }
      onProgress?.({ done: to, total: textCount })
    }
    return { scores, ranks, extremes }
  }

  /**
   * Each text's mean score over all images. It is the text's score against the mean of the images' unit vectors, times that
   * mean's length: one product a text instead of one a pair.
   * @throws {ClipError} when there are no images to take the mean over.
   */
  async means(job: AllPairs, { signal, onProgress }: WorkOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    const { texts, dim } = job
    const { imageCount, textCount } = checkPairs(job)
    const means = new Float32Array(textCount)
    if (textCount === 0) return means
    if (imageCount === 0) throw new ClipError('means: expected at least one image, got none')
    const { row, length } = meanUnitRow(job.images, dim)
    for (let from = 0; from < textCount; from += PART_ROWS) {
      signal?.throwIfAborted()
      const to = Math.min(from + PART_ROWS, textCount)
      await this.#lend(async (lend) => {
        const pairs = this.#pairs(lend, { images: row, texts: texts.subarray(from * dim, to * dim), dim })
        const offsets = lend(this.#gpu.upload(Uint32Array.of(0, to - from), [2], 'clip.offsets'))
        const score = lend(this.#gpu.tensor([to - from], 'clip.mean'))
        this.#similarity.candidates({ ...pairs, scale: 100 * length, offsets, score })
        means.set(await this.#gpu.readF32(score), from)
      })
      onProgress?.({ done: to, total: textCount })
    }
    return means
  }

  /** Scores of all pairs. @returns (I, N). */
  async compare(job: AllPairs, options: WorkOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    const { imageCount, textCount } = checkPairs(job)
    const scores = new Float32Array(imageCount * textCount)
    await this.#eachPart(job, options, async (lend, pairs, { first, count }) => {
      const part = lend(this.#gpu.tensor([count, textCount], 'clip.scores'))
      this.#similarity.matrix({ ...pairs, scores: part })
      scores.set(await this.#gpu.readF32(part), first * textCount)
    })
    return scores
  }

  /** Each image's k best texts. @param k at most 32 and the number of texts. @throws {ClipError} for another k. */
  async classify(job: AllPairs, k: number, options: WorkOptions = {}): Promise<TopTexts> {
    const { imageCount, textCount } = checkPairs(job)
    const most = Math.min(MAX_LISTED, textCount)
    if (!(Number.isInteger(k) && k >= 1 && k <= most))
      throw new ClipError(`classify: expected k from 1 to ${most} for ${textCount} classes, got ${k}`)
    const indices = new Uint32Array(imageCount * k)
    const scores = new Float32Array(imageCount * k)
    await this.#eachPart(job, options, async (lend, pairs, { first, count }) => {
      const strip = lend(this.#gpu.tensor(similarityStripShape(count, textCount), 'clip.strip'))
      const index = lend(this.#gpu.tensor([count, k], 'clip.index', 'u32'))
      const score = lend(this.#gpu.tensor([count, k], 'clip.top'))
      this.#similarity.top({ ...pairs, strip, index, score })
      indices.set(await this.#gpu.readU32(index), first * k)
      scores.set(await this.#gpu.readF32(score), first * k)
    })
    return { indices, scores }
  }

  /** Calls back for parts of the images, each with all texts. */
  async #eachPart(
    { images, texts, dim }: AllPairs,
    { signal, onProgress }: WorkOptions,
    use: (lend: Lend, pairs: Pairs, part: { first: number; count: number }) => Promise<void>,
  ): Promise<void> {
    const [total, textCount] = [images.length / dim, texts.length / dim]
    const rows = Math.max(1, Math.min(PART_ROWS, Math.floor(PART_SCORES / Math.max(textCount, 1))))
    for (let first = 0; first < total && textCount > 0; first += rows) {
      signal?.throwIfAborted()
      const count = Math.min(rows, total - first)
      const part = { images: images.subarray(first * dim, (first + count) * dim), texts, dim }
      await this.#lend((lend) => use(lend, this.#pairs(lend, part), { first, count }))
      onProgress?.({ done: first + count, total })
    }
  }

  #pairs(lend: Lend, { images, texts, dim }: AllPairs): Pairs {
    const upload = (rows: Float32Array<ArrayBuffer>, label: string) => {
      const count = rows.length / dim
      const tensor = lend(this.#gpu.upload(rows, [count, dim], label))
      const norm = lend(this.#gpu.tensor([count], `${label}.norm`))
      this.#similarity.norms({ rows: tensor, norm })
      return { tensor, norm }
    }
    const [image, text] = [upload(images, 'clip.images'), upload(texts, 'clip.texts')]
    return { images: image.tensor, texts: text.tensor, imageNorm: image.norm, textNorm: text.norm }
  }

  /** Gives back what was lent, whatever happens. */
  async #lend(use: (lend: Lend) => Promise<void>): Promise<void> {
    const lent: Tensor[] = []
    try {
      await use((tensor) => {
        lent.push(tensor)
        return tensor
      })
    } finally {
      this.#gpu.release(...lent)
    }
  }
}

type Lend = (tensor: Tensor) => Tensor

/** Ranges of images that have at most `PART_ROWS` texts together, or are one image. */
function* partsOf(offsets: Uint32Array): Generator<{ first: number; end: number }> {
  const images = offsets.length - 1
  for (let first = 0; first < images; ) {
    let end = first + 1
    const most = (offsets[first] ?? 0) + PART_ROWS
    while (end < images && end - first < PART_ROWS && (offsets[end + 1] ?? 0) <= most) end++
    yield { first, end }
    first = end
  }
}
