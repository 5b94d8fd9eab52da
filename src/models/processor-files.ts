import type { Folder } from '../data/folder.ts'
import { readJson } from './checkpoint.ts'

/** What a model's folder says of its processor, whichever version of transformers wrote it. */
export interface ProcessorFiles {
  readonly tokenizer: object
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  /** `processor_config.json`; empty where there is none. */
  readonly processor: Readonly<Record<string, unknown>>
  /** `image_processor` of `processor_config.json`, or `preprocessor_config.json`; undefined for text alone. */
  readonly imageProcessor: unknown
  /** Jinja source of the chat template. */
  readonly chatTemplate: string | undefined
  readonly generation: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads tokenizer, processor and chat template: `processor_config.json` and `chat_template.jinja` as transformers 5 saves
 * them, `preprocessor_config.json` and `chat_template.json` or the tokenizer's own template of older versions.
 * @throws {SourceError} when the tokenizer is missing or a file is no JSON.
 */
export async function readProcessorFiles(files: Folder, signal?: AbortSignal): Promise<ProcessorFiles> {
  const optional = async (path: string): Promise<Json> =>
    (await files.open(path, signal)) ? ((await readJson(files, path, signal)) as Json) : {}
  const tokenizer = (await readJson(files, 'tokenizer.json', signal)) as object
  const tokenizerConfig = (await readJson(files, 'tokenizer_config.json', signal)) as Json
  const processor = await optional('processor_config.json')
  const preprocessor = await optional('preprocessor_config.json')
  const older = Object.keys(preprocessor).length > 0 ? preprocessor : undefined
  return {
    tokenizer,
    tokenizerConfig,
    processor,
    imageProcessor: processor.image_processor ?? older,
    chatTemplate:
      (await readText(files, 'chat_template.jinja', signal)) ??
      templateOf((await optional('chat_template.json')).chat_template) ??
      templateOf(processor.chat_template) ??
      templateOf(tokenizerConfig.chat_template),
    generation: await optional('generation_config.json'),
  }
}

async function readText(files: Folder, path: string, signal?: AbortSignal): Promise<string | undefined> {
  const source = await files.open(path, signal)
  return source && new TextDecoder().decode(await source.read(0, source.byteLength, signal))
}

/** A template by itself, or the one named default in a list. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.find((item) => (item as { name?: unknown }).name === 'default')
  return (named as { template?: string } | undefined)?.template
}
