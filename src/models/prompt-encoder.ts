import { Tokenizer } from '@huggingface/tokenizers'
import type { Folder } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import type { TensorEntry } from '../data/safetensors.ts'
import { sha256 } from '../data/sha256.ts'
import type { ModelConfig } from './config.ts'
import type { Prefix } from './decoder/batch.ts'
import { ImageEncoder, joined, type SeeingModel } from './image-encoder.ts'
import { type FeatureStore, type ImageBlock, ImageFeatures, type KnownImage } from './image-features.ts'
import { readProcessorFiles } from './processor-files.ts'
import { PromptError } from './prompt-error.ts'
import { PromptTexts, specialTokens } from './prompt-texts.ts'
import { AROUND, markedTiles, WHOLE } from './tile-marks.ts'

/** Turns images and texts into what a decoder takes, and its tokens back into text. */
export class PromptEncoder {
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[]
  readonly #tokenizer: Tokenizer
  readonly #config: ModelConfig
  readonly #images: ImageFeatures | undefined
  readonly #texts: PromptTexts

  private constructor(
    tokenizer: Tokenizer,
    config: ModelConfig,
    images: ImageFeatures | undefined,
    texts: PromptTexts,
    stopTokens: readonly number[],
  ) {
    this.#tokenizer = tokenizer
    this.#config = config
    this.#images = images
    this.#texts = texts
    this.stopTokens = stopTokens
  }

  /**
   * Reads a model folder's tokenizer and chat template and, where it has one, its vision encoder.
   * @param options.device computes the vision encoder, where the browser can. Default WASM.
   * @param options.checkpoint the folder's tensors, where they are known already.
   * @param options.features where image features outlive the session, by the encoder's hash. Default nowhere.
   */
  static async load(
    files: Folder,
    config: ModelConfig,
    {
      signal,
      device,
      checkpoint,
      features,
    }: {
      signal?: AbortSignal
      device?: GPUDevice
      checkpoint?: ReadonlyMap<string, TensorEntry>
      features?: (encoder: string) => FeatureStore
    } = {},
  ): Promise<PromptEncoder> {
    const { tokenizer: json, tokenizerConfig, ...processor } = await readProcessorFiles(files, signal)
    const tokenizer = new Tokenizer(withWorkingSplits(json) as object, tokenizerConfig)
    const specials = specialTokens(tokenizerConfig)
    const eos = specials.eos_token === undefined ? undefined : tokenizer.token_to_id(specials.eos_token)
    const texts = new PromptTexts(processor.chatTemplate, specials, config.imageTokenId !== undefined)
    const images =
      config.imageTokenId === undefined
        ? undefined
        : await ImageEncoder.load(files, processor, seeingModel(config), { signal, device, checkpoint })
    return new PromptEncoder(
      tokenizer,
      config,
      images && new ImageFeatures(images, { store: features?.(images.hash) }),
      texts,
      stopTokens(processor.generation, eos),
    )
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
  async prepare(prompts: readonly (readonly Uint8Array<ArrayBuffer>[])[]): Promise<void> {
    await this.#images?.prepare(prompts)
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
      return block ? this.#imageTokens(id, block) : [id]
    })
  }

  /** An image's tokens; with Idefics 3 and SmolVLM those of each tile between marks. */
  #imageTokens(token: number, { features, parts }: ImageBlock): readonly number[] {
    const rows = features.length / this.#config.decoder.hiddenSize
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
