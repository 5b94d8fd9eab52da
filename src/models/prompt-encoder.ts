import { Tokenizer } from '@huggingface/tokenizers'
import type { Folder } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import { sha256 } from '../data/sha256.ts'
import type { Grid } from './anyres.ts'
import type { ModelConfig } from './config.ts'
import type { Prefix } from './decoder/batch.ts'
import { ImageEncoder, type ImageOptions, joined } from './image-encoder.ts'
import { type FeatureStore, type ImageBlock, ImageFeatures, type KnownImage } from './image-features.ts'
import { findImageFiles, type ImageFiles, type SeeingModel } from './image-files.ts'
import { readProcessorFiles } from './processor-files.ts'
import { PromptError } from './prompt-error.ts'
import { PromptTexts, specialTokens } from './prompt-texts.ts'
import { AROUND, markedTiles, WHOLE } from './tile-marks.ts'

export interface EncoderOptions extends ImageOptions {
  readonly features?: (encoder: string) => FeatureStore
}

/** What an image takes of a prompt. */
export interface ImageSpace {
  /** Rows of image features. */
  readonly rows: number
  /** Tokens: one for each row, and marks. */
  readonly tokens: number
}

/** Turns images and texts into what a decoder takes, and its tokens back into text. */
export class PromptEncoder {
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[]
  readonly #tokenizer: Tokenizer
  readonly #config: ModelConfig
  readonly #texts: PromptTexts
  readonly #imageFiles: ImageFiles | undefined
  #images: ImageFeatures | undefined
  #imagesHash: string | undefined

  private constructor(
    tokenizer: Tokenizer,
    config: ModelConfig,
    texts: PromptTexts,
    stopTokens: readonly number[],
    imageFiles: ImageFiles | undefined,
  ) {
    this.#tokenizer = tokenizer
    this.#config = config
    this.#texts = texts
    this.stopTokens = stopTokens
    this.#imageFiles = imageFiles
  }

  /** Reads a model folder's tokenizer and chat template; images wait for `openImages`. */
  static async read(files: Folder, config: ModelConfig, signal?: AbortSignal): Promise<PromptEncoder> {
    const { tokenizer: json, tokenizerConfig, ...processor } = await readProcessorFiles(files, signal)
    const tokenizer = new Tokenizer(withWorkingSplits(json) as object, tokenizerConfig)
    const specials = specialTokens(tokenizerConfig)
    const eos = specials.eos_token === undefined ? undefined : tokenizer.token_to_id(specials.eos_token)
    return new PromptEncoder(
      tokenizer,
      config,
      new PromptTexts(processor.chatTemplate, specials, config.imageTokenId !== undefined),
      stopTokens(processor.generation, eos),
      config.imageTokenId === undefined
        ? undefined
        : await findImageFiles(files, processor, seeingModel(config), signal),
    )
  }

  /** Reads a model folder's tokenizer and chat template and, where it has one, its vision encoder. */
  static async load(
    files: Folder,
    config: ModelConfig,
    options: EncoderOptions = {},
  ): Promise<PromptEncoder> {
    const encoder = await PromptEncoder.read(files, config, options.signal)
    await encoder.openImages(options)
    return encoder
  }

  /**
   * Loads the vision encoder, where the folder has one.
   * @param options.device computes it, where the browser can. Default WASM.
   * @param options.checkpoint the folder's tensors, where they are known already.
   * @param options.features where image features outlive the session, by the encoder's hash. Default nowhere.
   */
  async openImages({ features, ...options }: EncoderOptions = {}): Promise<void> {
    if (!this.#imageFiles) return
    const images = await ImageEncoder.open(this.#imageFiles, options)
    this.#imagesHash = images.hash
    this.#images = new ImageFeatures(images, { store: features?.(images.hash) })
  }

  /** SHA-256 of all that determines image features; undefined without a vision encoder. */
  get imagesHash(): string | undefined {
    return this.#imagesHash
  }

  /** What the largest image takes of a prompt; undefined for text alone, or where the model's settings set no limit. */
  get largestImage(): ImageSpace | undefined {
    const token = this.#config.imageTokenId
    const most = this.#imageFiles?.tokens.most
    if (token === undefined || !most) return undefined
    return { rows: most.tokens, tokens: this.#imageTokens(token, most.tokens, most.parts).length }
  }

  /**
   * @param images encoded images, in the order of the prompt's image places.
   * @param completions answers to the prompt; none where they are still to be written.
   * @throws {PromptError} when the prompt has another number of image places than there are images, or needs a template the
   *   model does not have.
   */
  async encode(
    images: readonly Uint8Array<ArrayBuffer>[],
    prompt: Text,
    completions: readonly Text[],
  ): Promise<{ prefix: Prefix; answers: number[][] }> {
    const { opening, endings } = this.#texts.cut(prompt, completions, images.length)
    const hashes = await Promise.all(images.map(sha256))
    const blocks = images.length > 0 ? await this.#expectImages().of(images) : []
    const ids = this.#expand(this.#ids(opening), blocks)
    const features = blocks.map((block) => block.features)
    const prefix = { key: JSON.stringify([hashes, opening]), ids }
    const answers = endings.map((ending) => this.#ids(ending))
    return { prefix: blocks.length > 0 ? { ...prefix, features: joined(features) } : prefix, answers }
  }

  /**
   * As `encode`, for a dataset without an image column, which TRL's `DPOTrainer` makes ready another way: the tokens that the
   * tokenizer puts around a text are there, plain answers get an end token unless they have one, and an answer's tokens are
   * what those of prompt and answer together have beyond the prompt's.
   * @throws {PromptError} when plain answers need an end token that the tokenizer does not have, when messages need a template
   *   the model does not have, or for an image token.
   */
  encodeTextOnly(prompt: Text, completions: readonly Text[]): { prefix: Prefix; answers: number[][] } {
    const { opening, wholes, isWhole } = this.#texts.whole(prompt, completions)
    const tokens = (text: string): number[] => {
      const { ids } = this.#tokenizer.encode(text, { add_special_tokens: !isWhole(text) })
      return this.#expand(ids, [])
    }
    const ids = tokens(opening)
    return {
      prefix: { key: JSON.stringify(['text only', typeof prompt, opening]), ids },
      answers: wholes.map((whole) => tokens(whole).slice(ids.length)),
    }
  }

  /** The features `encode` gave the prefix of these images; undefined for none. */
  async features(images: readonly KnownImage[]): Promise<Float32Array<ArrayBuffer> | undefined> {
    return images.length > 0 ? joined(await this.#expectImages().ofKnown(images)) : undefined
  }

  /**
   * Computes images' features ahead, several at a time, before `encode` asks for them.
   * @param prompts the images of each.
   */
  async prepare(
    prompts: readonly (readonly Uint8Array<ArrayBuffer>[])[],
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#images?.prepare(prompts, signal)
  }

  /**
   * A prompt as one string, which `encode` takes as it is: a chat through its template, an image token in each image's place.
   * @param images how many images the prompt has.
   * @param context the answer's beginning, already written; joined so that the string's tokens are those of the prompt
   *   followed by those an answer of this text has, wherever some joining with or without a space has these.
   * @throws {PromptError} when a chat is given to a model that has no template.
   */
  renderPrompt(prompt: Text, images: number, context = ''): string {
    const opening = this.#texts.opening(prompt, images)
    if (context === '') return opening
    const wanted = [...this.#ids(opening), ...this.#ids(context)].join()
    const joined = [opening + context, `${opening} ${context}`]
    return joined.find((text) => this.#ids(text).join() === wanted) ?? opening + context
  }

  /** A prompt as a user types it: verbatim where it holds the image token or there is no chat template. */
  userPrompt(text: string): Text {
    const token = this.#config.imageTokenId
    if (!this.#texts.hasTemplate || (token !== undefined && this.#ids(text).includes(token))) return text
    return [{ role: 'user', content: text }]
  }

  /** The first token that ends an answer, as text; undefined where none does. */
  get endOfAnswer(): string | undefined {
    const [token] = this.stopTokens
    return token === undefined ? undefined : this.#tokenizer.decode([token], { skip_special_tokens: false })
  }

  /** @param context text that the tokens continue; with it the text is the context's and theirs. Default none. */
  decodeText(tokens: readonly number[], context = ''): string {
    return this.#tokenizer.decode([...this.#ids(context), ...tokens], { skip_special_tokens: true })
  }

  release(): void {
    this.#images?.release()
  }

  #ids(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids
  }

  #expectImages(): ImageFeatures {
    if (!this.#images) throw new PromptError('expected no images: the model has no onnx/vision_encoder*.onnx')
    return this.#images
  }

  /** Puts as many image tokens in each image's place as it has rows of features. */
  #expand(ids: readonly number[], blocks: readonly ImageBlock[]): number[] {
    const token = this.#config.imageTokenId
    const places = ids.filter((id) => id === token).length
    if (places !== blocks.length) {
      throw new PromptError(
        `expected an image token in the prompt for each of ${blocks.length} images, got ${places}`,
      )
    }
    let image = 0
    return ids.flatMap((id) => {
      const block = id === token ? blocks[image++] : undefined
      if (!block) return [id]
      const rows = block.features.length / this.#config.decoder.hiddenSize
      return this.#imageTokens(id, rows, block.parts)
    })
  }

  /** An image's tokens; with Idefics 3 and SmolVLM those of each tile between marks. */
  #imageTokens(token: number, rows: number, parts: Grid): readonly number[] {
    if (!/^(Idefics3|SmolVLM)/.test(this.#config.architecture)) return Array<number>(rows).fill(token)
    for (const mark of [AROUND, WHOLE]) {
      if (this.#tokenizer.token_to_id(mark) === undefined)
        throw new PromptError(`expected ${mark} among the tokens, which marks images, found none`)
    }
    const tile = this.#tokenizer.id_to_token(token)
    const perTile = rows / (parts.rows * parts.cols + 1)
    return this.#ids(markedTiles(tile ?? '', parts)).flatMap((id) =>
      id === token ? Array<number>(perTile).fill(id) : [id],
    )
  }
}

function seeingModel({ decoder: { hiddenSize }, anyres }: ModelConfig): SeeingModel {
  return { hiddenSize, ...(anyres ? { anyres } : {}) }
}

/** The tokenizer library splits at a plain string keeping it, whatever `behavior` says; at a pattern it does as told. */
function withWorkingSplits(json: unknown): unknown {
  const text = JSON.stringify(json, (_, value: unknown) => {
    const { type, behavior, pattern } = (value ?? {}) as {
      type?: string
      behavior?: string
      pattern?: { String?: string }
    }
    if (type !== 'Split' || behavior !== 'Removed' || pattern?.String === undefined) return value
    return { ...(value as object), pattern: { Regex: pattern.String.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') } }
  })
  return JSON.parse(text)
}

/** The end tokens of `generation_config.json`, and the tokenizer's. */
function stopTokens(generation: Readonly<Record<string, unknown>>, eos: number | undefined): number[] {
  const listed = [generation.eos_token_id].flat().filter((id) => typeof id === 'number')
  return [...new Set(eos === undefined ? listed : [...listed, eos])]
}
