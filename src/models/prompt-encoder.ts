import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import type { Folder } from '../data/folder.ts'
import type { ChatMessage, Text } from '../data/preference.ts'
import { readJson } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import type { Prefix } from './decoder/batch.ts'
import { ImageEncoder } from './image-encoder.ts'
import { sha256 } from './sha256.ts'

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
  readonly #images: ImageEncoder | undefined
  readonly #template: Template | undefined
  readonly #specials: Readonly<Record<string, string>>
  /** By the image's hash: an image's features are computed once. */
  readonly #features = new Map<string, Float32Array<ArrayBuffer>>()

  private constructor(
    tokenizer: Tokenizer,
    config: ModelConfig,
    images: ImageEncoder | undefined,
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

  /** Reads a model folder's tokenizer and chat template and, where it has one, its vision encoder. */
  static async load(files: Folder, config: ModelConfig, signal?: AbortSignal): Promise<PromptEncoder> {
    const json = await readJson(files, 'tokenizer.json', signal)
    const settings = (await readJson(files, 'tokenizer_config.json', signal)) as Record<string, unknown>
    const tokenizer = new Tokenizer(withWorkingSplits(json) as object, settings)
    const hasEncoder =
      config.imageTokenId !== undefined && (await files.open('onnx/vision_encoder.onnx', signal))
    const specials = specialTokens(settings)
    const eos = specials.eos_token === undefined ? undefined : tokenizer.token_to_id(specials.eos_token)
    return new PromptEncoder(
      tokenizer,
      config,
      hasEncoder ? await ImageEncoder.load(files, signal) : undefined,
      await chatTemplate(files, settings, signal),
      specials,
      eos === undefined ? [] : [eos],
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
    const opening =
      typeof prompt === 'string' ? prompt : this.#render(withImages(prompt, images.length), true)
    const hashes = await Promise.all(images.map(sha256))
    const blocks: Float32Array<ArrayBuffer>[] = []
    for (const [i, image] of images.entries()) blocks.push(await this.#featuresOf(image, hashes[i] ?? ''))
    const ids = this.#expand(this.#ids(opening), blocks)
    const prefix = { key: JSON.stringify([hashes, opening]), ids }
    const answers = completions.map((completion) =>
      this.#ids(
        typeof completion === 'string' ? completion : this.#continuation(prompt, completion, images.length),
      ),
    )
    return { prefix: blocks.length > 0 ? { ...prefix, features: joined(blocks) } : prefix, answers }
  }

  /** A prompt as a user types it: verbatim where it holds the image token or there is no chat template. */
  userPrompt(text: string): Text {
    const token = this.#config.imageTokenId
    if (!this.#template || (token !== undefined && this.#ids(text).includes(token))) return text
    return [{ role: 'user', content: text }]
  }

  decodeText(tokens: readonly number[]): string {
    return this.#tokenizer.decode([...tokens], { skip_special_tokens: true })
  }

  release(): void {
    this.#images?.release()
  }

  #ids(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids
  }

  async #featuresOf(image: Uint8Array<ArrayBuffer>, hash: string): Promise<Float32Array<ArrayBuffer>> {
    const known = this.#features.get(hash)
    if (known) return known
    if (!this.#images) throw new PromptError('expected no images: the model has no onnx/vision_encoder.onnx')
    const features = await this.#images.encode(image)
    this.#features.set(hash, features)
    return features
  }

  /** Puts as many image tokens in each image's place as it has rows of features. */
  #expand(ids: readonly number[], blocks: readonly Float32Array[]): number[] {
    const token = this.#config.imageTokenId
    const places = ids.filter((id) => id === token).length
    if (places !== blocks.length) {
      throw new PromptError(
        `expected an image token in the prompt for each of ${blocks.length} images, got ${places}`,
      )
    }
    let image = 0
    return ids.flatMap((id) => {
      if (id !== token) return [id]
      const rows = (blocks[image++]?.length ?? 0) / this.#config.decoder.hiddenSize
      return Array<number>(rows).fill(id)
    })
  }

  #render(messages: readonly ChatMessage[], isOpen: boolean): string {
    if (!this.#template)
      throw new PromptError('expected plain strings: the model has no chat template, got messages')
    return this.#template.render({ ...this.#specials, messages, add_generation_prompt: isOpen })
  }

  /** What an answer adds to the rendered prompt. @throws {PromptError} when the template changes the prompt as well. */
  #continuation(prompt: Text, completion: readonly ChatMessage[], images: number): string {
    if (typeof prompt === 'string')
      throw new PromptError('expected messages for prompt and answer, got a string')
    const messages = withImages(prompt, images)
    const opening = this.#render(messages, true)
    const whole = this.#render([...messages, ...completion], false)
    if (!whole.startsWith(opening)) {
      throw new PromptError('expected the chat template to leave the prompt as it is before an answer')
    }
    return whole.slice(opening.length)
  }
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

async function chatTemplate(
  files: Folder,
  settings: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Template | undefined> {
  const source = await files.open('chat_template.jinja', signal)
  if (source) return new Template(new TextDecoder().decode(await source.read(0, source.byteLength, signal)))
  return typeof settings.chat_template === 'string' ? new Template(settings.chat_template) : undefined
}

function joined(blocks: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(blocks.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const block of blocks) {
    whole.set(block, at)
    at += block.length
  }
  return whole
}
