import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import type { Folder } from '../data/folder.ts'
import type { ChatMessage, Text } from '../data/preference.ts'
import type { TensorEntry } from '../data/safetensors.ts'
import { sha256 } from '../data/sha256.ts'
import type { ModelConfig } from './config.ts'
import type { Prefix } from './decoder/batch.ts'
import { ImageEncoder, joined, type SeeingModel } from './image-encoder.ts'
import { type FeatureStore, type ImageBlock, ImageFeatures, type KnownImage } from './image-features.ts'
import { readProcessorFiles } from './processor-files.ts'
import { AROUND, markedTiles, WHOLE } from './tile-marks.ts'

/** Images and texts do not fit each other or the model; the message says what was expected and what came. */
export class PromptError extends Error {
  override readonly name = 'PromptError'
}

/** Turns images and texts into what a decoder takes, and its tokens back into text. */
export class PromptEncoder {
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[]
  readonly #tokenizer: Tokenizer
  readonly #config: ModelConfig
  readonly #images: ImageFeatures | undefined
  readonly #template: Template | undefined
  readonly #specials: Readonly<Record<string, string>>

  private constructor(
    tokenizer: Tokenizer,
    config: ModelConfig,
    images: ImageFeatures | undefined,
    template: Template | undefined,
    specials: Readonly<Record<string, string>>,
    stopTokens: readonly number[],
  ) {
    this.#tokenizer = tokenizer
    this.#config = config
    this.#images = images
    this.#template = template
    this.#specials = specials
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
    const { chatTemplate } = processor
    const specials = specialTokens(tokenizerConfig)
    const eos = specials.eos_token === undefined ? undefined : tokenizer.token_to_id(specials.eos_token)
    const images =
      config.imageTokenId === undefined
        ? undefined
        : await ImageEncoder.load(files, processor, seeingModel(config), { signal, device, checkpoint })
    return new PromptEncoder(
      tokenizer,
      config,
      images && new ImageFeatures(images, { store: features?.(images.hash) }),
      chatTemplate === undefined ? undefined : new Template(chatTemplate),
      specials,
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
    const { opening, endings } = this.#texts(prompt, completions, images.length)
    const hashes = await Promise.all(images.map(sha256))
    const blocks = images.length > 0 ? await this.#expectImages().of(images) : []
    const ids = this.#expand(this.#ids(opening), blocks)
    const features = blocks.map((block) => block.features)
    const prefix = { key: JSON.stringify([hashes, opening]), ids }
    const answers = endings.map((ending) => this.#ids(ending))
    return { prefix: blocks.length > 0 ? { ...prefix, features: joined(features) } : prefix, answers }
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
    const opening = typeof prompt === 'string' ? prompt : this.#opening(this.#messages(prompt, images))
    if (context === '') return opening
    const wanted = [...this.#ids(opening), ...this.#ids(context)].join()
    const joined = [opening + context, `${opening} ${context}`]
    return joined.find((text) => this.#ids(text).join() === wanted) ?? opening + context
  }

  /** A prompt as a user types it: verbatim where it holds the image token or there is no chat template. */
  userPrompt(text: string): Text {
    const token = this.#config.imageTokenId
    if (!this.#template || (token !== undefined && this.#ids(text).includes(token))) return text
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

  /**
   * Prompt and answers as text. Strings stay as they are; messages are rendered as TRL does: the prompt is what its own
   * rendering and those with each answer have in common, an answer the rest of its rendering.
   */
  #texts(
    prompt: Text,
    completions: readonly Text[],
    images: number,
  ): { opening: string; endings: readonly string[] } {
    const isText = (text: Text): text is string => typeof text === 'string'
    if (isText(prompt) && completions.every(isText)) return { opening: prompt, endings: completions }
    if (isText(prompt) || completions.some(isText))
      throw new PromptError('expected prompt and answers all as strings or all as messages, got both')
    const messages = this.#messages(prompt, images)
    const wholes = completions.map((completion) =>
      this.#render([...messages, ...this.#messages(completion as readonly ChatMessage[], 0)], false),
    )
    const opening = wholes.reduce(commonStart, this.#opening(messages))
    return { opening, endings: wholes.map((whole) => whole.slice(opening.length)) }
  }

  /** Messages as the template takes them: one of a model without images knows plain texts alone. */
  #messages(messages: readonly ChatMessage[], images: number): readonly ChatMessage[] {
    return this.#config.imageTokenId === undefined ? messages : withImages(messages, images)
  }

  /** A prompt's rendering, up to where the answer begins: within the last message if that is the assistant's. */
  #opening(messages: readonly ChatMessage[]): string {
    const last = messages.at(-1)
    if (last?.role !== 'assistant') return this.#render(messages, true)
    const text = [last.content]
      .flat()
      .map((part) => (typeof part === 'string' ? part : part.type === 'text' ? part.text : ''))
    const final = text.join('').trim()
    const rendered = this.#render(messages, false)
    const at = rendered.lastIndexOf(final)
    if (at < 0) throw new PromptError('expected the chat template to keep the last message, to be continued')
    return rendered.slice(0, at + final.length)
  }

  #render(messages: readonly ChatMessage[], isOpen: boolean): string {
    if (!this.#template)
      throw new PromptError('expected plain strings: the model has no chat template, got messages')
    return this.#template.render({ ...this.#specials, messages, add_generation_prompt: isOpen })
  }
}

function seeingModel({ decoder: { hiddenSize }, anyres }: ModelConfig): SeeingModel {
  return { hiddenSize, ...(anyres ? { anyres } : {}) }
}

/** What two texts have in common from their start. */
function commonStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

/** Puts image places at the start of the first user message where the messages have none, as TRL does. */
function withImages(messages: readonly ChatMessage[], images: number): ChatMessage[] {
  const hasPlaces = messages.some(
    ({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'image'),
  )
  const first = messages.findIndex(({ role }) => role === 'user')
  return messages.map(({ role, content }, i) => {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content
    const places = !hasPlaces && i === first ? Array<{ type: 'image' }>(images).fill({ type: 'image' }) : []
    return { role, content: [...places, ...parts] }
  })
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

function specialTokens(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = settings[name] as string | { content: string } | null | undefined
    if (value) tokens[name] = typeof value === 'string' ? value : value.content
  }
  return tokens
}

/** The end tokens of `generation_config.json`, and the tokenizer's. */
function stopTokens(generation: Readonly<Record<string, unknown>>, eos: number | undefined): number[] {
  const listed = [generation.eos_token_id].flat().filter((id) => typeof id === 'number')
  return [...new Set(eos === undefined ? listed : [...listed, eos])]
}
