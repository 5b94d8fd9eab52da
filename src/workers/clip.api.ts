import type { FileSpec, FolderSpec } from '../data/folder.ts'
import type { ClipConfig } from '../models/clip/clip-config.ts'
import type { CandidateScores, TopTexts } from '../models/clip/clip-scorer.ts'
import type { AllPairs, Candidates } from '../models/clip/embeddings.ts'

/**
 * CLIP in a worker: it embeds texts and images, and scores embeddings. It keeps nothing but the loaded model, so that its
 * caller can keep embeddings by content and score them without a model. Embeddings are rows of length 1 and do not depend, to
 * the last bit, on what else was embedded with them. Errors keep their name and message on their way here.
 */
export interface ClipApi {
  /**
   * Loads a CLIP in the hub's layout, with `onnx/text_model*.onnx` and `onnx/vision_model*.onnx`; an earlier one is let go.
   * @throws {SourceError} and {ClipError} for missing or foreign files, {ConfigError} for a model this project does not compute.
   */
  load(model: FolderSpec, onProgress?: OnProgress): Promise<ClipInfo>

  /** Tokens of each text with the two around it: those of more than `contextLength` cannot be embedded. */
  countTokens(texts: readonly string[]): Promise<number[]>

  /**
   * @returns embeddings (texts, projectionDim).
   * @throws {ClipError} when a text is past the context.
   */
  embedTexts(texts: readonly string[], onProgress?: OnProgress): Promise<Float32Array<ArrayBuffer>>

  /**
   * @returns embeddings (images, projectionDim).
   * @throws {ClipError} naming the file that is no image.
   */
  embedImages(images: readonly FileSpec[], onProgress?: OnProgress): Promise<Float32Array<ArrayBuffer>>

  /** Scores, 100 x cosine, of each image's own texts, their ranks within the image, and each image's best, worst and gap. */
  score(job: Candidates, onProgress?: OnProgress): Promise<CandidateScores>

  /**
   * Each text's mean score over all images. Of I images, one of them the text's own, its mean over the others is
   * (I x mean - own score) / (I - 1): what calibrated scores subtract.
   */
  means(pairs: AllPairs, onProgress?: OnProgress): Promise<Float32Array<ArrayBuffer>>

  /** Scores of all pairs, (images, texts). */
  compare(pairs: AllPairs, onProgress?: OnProgress): Promise<Float32Array<ArrayBuffer>>

  /**
   * Each image's k likeliest classes. `texts` are the classes' embeddings (means over several prompts serve as well), `images`
   * may be captions' embeddings instead.
   * @param k at most 32, and no more than there are classes.
   */
  classify(pairs: AllPairs, k: number, onProgress?: OnProgress): Promise<TopTexts>

  /** Breaks off everything under way; it rejects with an `AbortError`. */
  cancel(): Promise<void>
}

export interface ClipInfo extends ClipConfig {
  /** SHA-256 of all that an embedding depends on but its content, hexadecimal: the model's part of the key it is kept under. */
  readonly hash: string
}

export interface Progress {
  /** Done so far and in all: texts, images, or bytes of a model's graphs. */
  readonly done: number
  readonly total: number
}

/** Called as a job goes on. */
export type OnProgress = (progress: Progress) => void
