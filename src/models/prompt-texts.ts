import { Template } from '@huggingface/jinja'
import type { ChatMessage, Text } from '../data/preference.ts'
import { PromptError } from './prompt-error.ts'

/** A tokenizer's special tokens by their names, such as `eos_token`. */
export type SpecialTokens = Readonly<Record<string, string>>

/**
 * Prompts and answers as plain text: strings as they are, messages through the chat template, put together as TRL does.
 * All throw {PromptError} for messages to a model without a template, and for a mixture of strings and messages.
 */
export class PromptTexts {
  readonly #template: Template | undefined
  readonly #specials: SpecialTokens
  readonly #seesImages: boolean

  /** @param template the chat template's source, where there is one. @param seesImages false for models of text alone. */
  constructor(template: string | undefined, specials: SpecialTokens, seesImages: boolean) {
    this.#template = template === undefined ? undefined : new Template(template)
    this.#specials = specials
    this.#seesImages = seesImages
  }

  get hasTemplate(): boolean {
    return this.#template !== undefined
  }

  /** A prompt by itself, up to where an answer begins. @param images how many images it has. */
  opening(prompt: Text, images: number): string {
    return typeof prompt === 'string' ? prompt : this.#opening(this.#messages(prompt, images))
  }

  /**
   * A prompt and its answers as TRL's collator for images cuts them: the prompt is what its own rendering and those with each
   * answer have in common, an answer the rest of its rendering.
   */
  cut(
    prompt: Text,
    completions: readonly Text[],
    images: number,
  ): { opening: string; endings: readonly string[] } {
    const texts = allOfOneKind(prompt, completions)
    if (texts.isPlain) return { opening: texts.prompt, endings: texts.completions }
    const messages = this.#messages(texts.prompt, images)
    const wholes = this.#wholes(messages, texts.completions)
    const opening = wholes.reduce(commonStart, this.#opening(messages))
    return { opening, endings: wholes.map((whole) => whole.slice(opening.length)) }
  }

  /**
   * A prompt, and it with each of its answers, as TRL's `DPOTrainer` puts them together where there are no images: plain
   * answers end with the end token.
   * @returns `isWhole` tells a text to which the tokenizer adds no special tokens: a rendered chat, but with a processor, as
   *   models that see images have one, only where it begins with `<s>`.
   * @throws {PromptError} for plain answers when the tokenizer has no end token.
   */
  whole(
    prompt: Text,
    completions: readonly Text[],
  ): { opening: string; wholes: readonly string[]; isWhole: (text: string) => boolean } {
    const texts = allOfOneKind(prompt, completions)
    const { bos_token: bos, eos_token: eos } = this.#specials
    if (!texts.isPlain) {
      const messages = this.#messages(texts.prompt, 0)
      return {
        opening: this.#render(messages, true),
        wholes: this.#wholes(messages, texts.completions),
        isWhole: (text) => !this.#seesImages || (bos !== undefined && text.startsWith(bos)),
      }
    }
    if (eos === undefined)
      throw new PromptError('expected a tokenizer with an end token, which plain answers end with, got none')
    const ended = (text: string): string => (text.endsWith(eos) ? text : text + eos)
    return {
      opening: texts.prompt,
      wholes: texts.completions.map((text) => texts.prompt + ended(text)),
      isWhole: () => false,
    }
  }

  #wholes(messages: readonly ChatMessage[], completions: readonly (readonly ChatMessage[])[]): string[] {
    return completions.map((completion) =>
      this.#render([...messages, ...this.#messages(completion, 0)], false),
    )
  }

  /** Messages as the template takes them: one of a model without images knows plain texts alone. */
  #messages(messages: readonly ChatMessage[], images: number): readonly ChatMessage[] {
    return this.#seesImages ? withImages(messages, images) : messages
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

type OneKind =
  | { readonly isPlain: true; readonly prompt: string; readonly completions: readonly string[] }
  | {
      readonly isPlain: false
      readonly prompt: readonly ChatMessage[]
      readonly completions: readonly (readonly ChatMessage[])[]
    }

function allOfOneKind(prompt: Text, completions: readonly Text[]): OneKind {
  const isPlain = (text: Text): text is string => typeof text === 'string'
  const isChat = (text: Text): text is readonly ChatMessage[] => !isPlain(text)
  if (isPlain(prompt) && completions.every(isPlain)) return { isPlain: true, prompt, completions }
  if (isChat(prompt) && completions.every(isChat)) return { isPlain: false, prompt, completions }
  throw new PromptError('expected prompt and answers all as strings or all as messages, got both')
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

/** The special tokens of a `tokenizer_config.json` that chat templates and TRL use. */
export function specialTokens(settings: Readonly<Record<string, unknown>>): SpecialTokens {
  const tokens: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = settings[name] as string | { content: string } | null | undefined
    if (value) tokens[name] = typeof value === 'string' ? value : value.content
  }
  return tokens
}
