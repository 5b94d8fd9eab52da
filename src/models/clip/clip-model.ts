import type { ByteSource } from '../../data/bytes.ts'
import type { Folder } from '../../data/folder.ts'
import { sha256 } from '../../data/sha256.ts'
import { readJson } from '../checkpoint.ts'
import { findOnnx } from '../onnx-files.ts'
import { readProcessorFiles } from '../processor-files.ts'
import type { WorkOptions } from './batches.ts'
import { type ClipConfig, parseClipConfig } from './clip-config.ts'
import { ClipError } from './clip-error.ts'
import { EmbeddingGraph } from './embedding-graph.ts'
import { TextTower } from './text-tower.ts'
import { VisionTower } from './vision-tower.ts'

/** A CLIP: its two towers, which embed texts and images in one space. */
export class ClipModel {
  readonly config: ClipConfig
  /** SHA-256 of all files that an embedding depends on, hexadecimal: with a content's hash it names the embedding. */
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
    const json = await readJson(files, 'config.json', signal)
    const config = parseClipConfig(json)
    const { tokenizer, tokenizerConfig, imageProcessor } = await readProcessorFiles(files, signal)
    if (imageProcessor === undefined) {
      throw new ClipError(
        `${files.name}: expected preprocessor_config.json, or processor_config.json with image_processor, found neither`,
      )
    }
    const [textFile, visionFile] = [
      await graphOf(files, 'text_model', signal),
      await graphOf(files, 'vision_model', signal),
    ]
    const total = textFile.byteLength + visionFile.byteLength
    let done = 0
    const onBytes = (count: number): void => {
      done += count
      onProgress?.({ done, total })
    }
    const dim = config.projectionDim
    const textShape = {
      inputs: ['input_ids'],
      optionalInputs: ['attention_mask'],
      output: 'text_embeds',
      dim,
    }
    const visionShape = { inputs: ['pixel_values'], output: 'image_embeds', dim }
    const opened: EmbeddingGraph[] = []
    try {
      const textGraph = await EmbeddingGraph.open(textFile, textShape, { signal, onBytes })
      opened.push(textGraph)
      const visionGraph = await EmbeddingGraph.open(visionFile, visionShape, { signal, onBytes })
      opened.push(visionGraph)
      const texts = new TextTower({ tokenizer, tokenizerConfig }, textGraph, config)
      const images = new VisionTower(imageProcessor, visionGraph, config)
      const parts = [textGraph.hash, visionGraph.hash, config, tokenizer, tokenizerConfig, imageProcessor]
      const hash = await sha256(new TextEncoder().encode(JSON.stringify(parts)))
      return new ClipModel(config, hash, texts, images)
    } catch (error) {
      for (const graph of opened) await graph.release()
      throw error
    }
  }

  async release(): Promise<void> {
    await this.texts.release()
    await this.images.release()
  }
}

async function graphOf(files: Folder, stem: string, signal: AbortSignal | undefined): Promise<ByteSource> {
  const source = await findOnnx(files, stem, signal)
  if (source) return source
  throw new ClipError(
    `${files.name}: expected onnx/${stem}.onnx (or one of its smaller kinds, such as onnx/${stem}_quantized.onnx), found none; export CLIP's two towers with their projections as transformers.js has them`,
  )
}
