import { Tokenizer } from '@huggingface/tokenizers'
import type { Folder } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { readJson } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import type { Prefix } from './decoder/batch.ts'

/** Turns images and texts into what a decoder takes, and its tokens back into text. */
export interface PromptEncoder {
  /**
   * @param images encoded images, in the order of the prompt's image places.
   * @param completions answers to the prompt; none where they are still to be written.
   */
  encode(
    images: readonly Uint8Array<ArrayBuffer>[],
    prompt: Text,
    completions: readonly Text[],
    signal?: AbortSignal,
  ): Promise<{ prefix: Prefix; answers: number[][] }>
  /** A prompt as a user types it: verbatim where it holds the image token or there is no chat template. */
  userPrompt(text: string, images: number): Text
  decodeText(tokens: readonly number[]): string
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[]
  release(): void
}

/** An input that a model's processor does not take. */
export class PromptError extends Error {
  override readonly name = 'PromptError'
}

/** The encoder of a model folder: plain strings alone, taken verbatim; images and messages are refused. */
export async function createPromptEncoder(
  _gpu: Gpu,
  files: Folder,
  _config: ModelConfig,
  signal?: AbortSignal,
): Promise<PromptEncoder> {
  const [json, settings] = await Promise.all([
    readJson(files, 'tokenizer.json', signal),
    readJson(files, 'tokenizer_config.json', signal),
  ])
  const tokenizer = new Tokenizer(json as object, settings as object)
  const encode = (text: Text): number[] => {
    if (typeof text !== 'string') throw new PromptError('expected a plain string, got messages')
    return tokenizer.encode(text, { add_special_tokens: false }).ids
  }
  const eos = (settings as { eos_token?: string | { content: string } }).eos_token
  const stop =
    eos === undefined ? undefined : tokenizer.token_to_id(typeof eos === 'string' ? eos : eos.content)
  return {
    async encode(images, prompt, completions) {
      if (images.length > 0) throw new PromptError(`expected no images, got ${images.length}`)
      return {
        prefix: { key: JSON.stringify(prompt), ids: encode(prompt) },
        answers: completions.map(encode),
      }
    },
    userPrompt: (text) => text,
    decodeText: (tokens) => tokenizer.decode([...tokens], { skip_special_tokens: true }),
    stopTokens: stop === undefined ? [] : [stop],
    release: () => {},
  }
}
