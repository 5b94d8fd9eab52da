import type { ByteSource } from '../data/bytes.ts'
import type { Folder } from '../data/folder.ts'
import { findOnnx } from '../data/onnx-files.ts'
import type { AnyresConfig } from './anyres-config.ts'
import { ImageEncoderError } from './image-encoder-error.ts'
import { ImageProcessor } from './image-processor.ts'
import { type ImageTokens, imageTokens } from './image-tokens.ts'
import type { ProcessorFiles } from './processor-files.ts'

/** What of a model its image features depend on. */
export interface SeeingModel {
  /** The decoder's. */
  readonly hiddenSize: number
  readonly anyres?: AnyresConfig
}

/** What a model's folder has for images, before the vision encoder is loaded. */
export interface ImageFiles {
  readonly files: Folder
  readonly model: SeeingModel
  /** `onnx/vision_encoder*.onnx`. */
  readonly source: ByteSource
  readonly processor: ImageProcessor
  readonly tokens: ImageTokens
  /** The settings of both processors, as they determine features. */
  readonly settings: readonly unknown[]
}

/**
 * Looks for `onnx/vision_encoder*.onnx` as transformers.js lays it out, and reads how images are processed for it.
 * @param processors the image processor's and the processor's settings, see `readProcessorFiles`.
 * @returns undefined when the folder has no vision encoder.
 * @throws {ImageEncoderError} when there are no settings or they do not fit the model, {ConfigError} for those not known here.
 */
export async function findImageFiles(
  files: Folder,
  { imageProcessor: settings, processor: json }: Pick<ProcessorFiles, 'imageProcessor' | 'processor'>,
  model: SeeingModel,
  signal?: AbortSignal,
): Promise<ImageFiles | undefined> {
  const source = await findOnnx(files, 'vision_encoder', signal)
  if (!source) return undefined
  if (!settings) {
    throw new ImageEncoderError(
      `${files.name}: expected processor_config.json with image_processor, or preprocessor_config.json, found neither`,
    )
  }
  const processor = new ImageProcessor(settings)
  if (!model.anyres !== !processor.anyres) {
    throw new ImageEncoderError(
      `${files.name}: expected an image processor that cuts images into tiles (LlavaNextImageProcessor, LlavaOnevisionImageProcessor) with the models of that name and with no other; config.json and the processor's file do not fit`,
    )
  }
  const tokens = imageTokens(json, processor)
  return { files, model, source, processor, tokens, settings: [settings, json] }
}
