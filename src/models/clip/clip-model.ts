import { Tokenizer } from '@huggingface/tokenizers'
import type { ByteSource } from '../../data/bytes.ts'
import type { Folder } from '../../data/folder.ts'
import { findOnnx } from '../../data/onnx-files.ts'
import { sha256 } from '../../data/sha256.ts'
import { readJson } from '../checkpoint.ts'
import { ImageProcessor } from '../image-processor.ts'
import { ONNX_RUNTIME_VERSION } from '../onnx.ts'
import { readProcessorFiles } from '../processor-files.ts'
import type { WorkOptions } from './batches.ts'
import { type ClipConfig, parseClipConfig } from './clip-config.ts'
import { ClipError } from './clip-error.ts'
import { EmbeddingGraph } from './embedding-graph.ts'
import { TextTower } from './text-tower.ts'
import { VisionTower } from './vision-tower.ts'

/** Raised whenever the code comes to give other embeddings of the same files. */
const VERSION = 1

/** A CLIP: its two towers, which embed texts and images in one space. */
export class ClipModel {
  readonly config: ClipConfig
  /** SHA-256 of all that an embedding depends on but its content, hexadecimal: the model's part of the key it is kept under. */
  readonly hash: string
  readonly texts: TextTower
  readonly images: VisionTower

  private constructor(config: ClipConfig, hash: string, texts: TextTower, images: VisionTower) {
    this.config = config
    this.hash = hash
    this.texts = texts
    this.images = images
  }

  /**
   * Loads a CLIP in the hub's layout: `config.json`, tokenizer, image processor, and `onnx/text_model*.onnx` and
   * `onnx/vision_model*.onnx` with their projections, as transformers.js lays them out (the model is arXiv 2103.00020's).
   * @param options `onProgress` counts bytes of the graphs.
   * @throws {SourceError} and {ClipError} for missing or foreign files, {ConfigError} for settings not known here.
   */
  static async load(files: Folder, { signal, onProgress }: WorkOptions = {}): Promise<ClipModel> {
    const config = parseClipConfig(await readJson(files, 'config.json', signal))
    const { tokenizer, tokenizerConfig, imageProcessor } = await readProcessorFiles(files, signal)
    if (imageProcessor === undefined) {
      throw new ClipError(
        `${files.name}: expected preprocessor_config.json, or processor_config.json with image_processor, found neither`,
      )
    }
    const tokens = new Tokenizer(tokenizer, tokenizerConfig)
    const processor = new ImageProcessor(imageProcessor)
    const [texts, images] = await openTowers(files, config, { signal, onProgress })
    const parts = [
      { version: VERSION, runtime: ONNX_RUNTIME_VERSION, texts: texts.hash, images: images.hash },
      { config, tokenizer, tokenizerConfig, imageProcessor },
    ]
    return new ClipModel(
      config,
      await sha256(new TextEncoder().encode(JSON.stringify(parts))),
      new TextTower(tokens, texts, config),
      new VisionTower(processor, images, config),
    )
  }

  async release(): Promise<void> {
    await this.texts.release()
    await this.images.release()
  }
}

/** Opens both graphs, or none. */
async function openTowers(
  files: Folder,
  { projectionDim: dim }: ClipConfig,
  { signal, onProgress }: WorkOptions,
): Promise<[texts: EmbeddingGraph, images: EmbeddingGraph]> {
  const textFile = await graphFile(files, 'text_model', signal)
  const imageFile = await graphFile(files, 'vision_model', signal)
  const total = textFile.byteLength + imageFile.byteLength
  let done = 0
  const onBytes = (count: number): void => {
    done += count
    onProgress?.({ done, total })
  }
  const texts = await EmbeddingGraph.open(
    textFile,
    { inputs: ['input_ids'], optionalInputs: ['attention_mask'], output: 'text_embeds', dim },
    { signal, onBytes },
  )
  try {
    const shape = { inputs: ['pixel_values'], output: 'image_embeds', dim }
    return [texts, await EmbeddingGraph.open(imageFile, shape, { signal, onBytes })]
  } catch (error) {
    await texts.release()
    throw error
  }
}

async function graphFile(files: Folder, stem: string, signal: AbortSignal | undefined): Promise<ByteSource> {
  const source = await findOnnx(files, stem, signal)
  if (source) return source
  throw new ClipError(
    `${files.name}: expected onnx/${stem}.onnx (or one of its smaller kinds, such as onnx/${stem}_quantized.onnx), found none; export CLIP's two towers with their projections as transformers.js has them`,
  )
}
