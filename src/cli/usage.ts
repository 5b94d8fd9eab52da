import { parseArgs } from 'node:util'

/** A command line that cannot be understood; the message says what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Folders of a model and, where given, of an adapter, and how the model is kept on the GPU. */
interface ModelFlags {
  readonly model: string
  readonly adapter?: string
  readonly weights?: WeightsFlag
  /** Most MiB to take on the GPU. */
  readonly memory?: number
}

const WEIGHTS = ['f32', 'f16', 'int8', 'int4'] as const
export type WeightsFlag = (typeof WEIGHTS)[number]

export interface TrainRequest extends ModelFlags {
  readonly command: 'train'
  readonly data: string
  readonly config: string
  readonly shuffle: boolean
  /** Compute layers again in the backward pass, for less memory. */
  readonly recompute: boolean
  readonly out: string
}

export interface GenerateRequest extends ModelFlags {
  readonly command: 'generate'
  readonly images: readonly string[]
  readonly prompt: string
  readonly candidates: number
  readonly seed: number
  readonly temperature: number
  readonly topP: number
  readonly maxNewTokens: number
  /** File to write; standard output without. */
  readonly out?: string
}

export interface LogpsRequest extends ModelFlags {
  readonly command: 'logps'
  readonly data: string
  /** File to write; standard output without. */
  readonly out?: string
}

export interface RunRequest {
  readonly command: 'run'
  readonly recipe: string
  readonly out: string
  /** Show the browser. */
  readonly isHeaded: boolean
}

/** Settings of a stage by itself, and the folder for its results. */
interface StageFlags {
  /** Its part of a recipe is taken; default `recipes/paper.json`. */
  readonly recipe?: string
  readonly out: string
}

/** Which pictures of a data set: passed over at the beginning, and the most taken. */
interface PictureFlags {
  readonly skip: number
  readonly limit?: number
}

export interface CaptionRequest extends StageFlags, PictureFlags, Omit<ModelFlags, 'memory'> {
  readonly command: 'caption'
  readonly images: string
  /** From 1. */
  readonly round: number
}

export interface ScoreRequest extends StageFlags {
  readonly command: 'score'
  readonly clip: string
  readonly data: string
  /** Folder of the pictures, where they do not lie beside the data. */
  readonly images?: string
}

export interface PairRequest extends StageFlags {
  readonly command: 'pair'
  readonly data: string
  readonly images?: string
}

export interface EvaluateRequest extends StageFlags, PictureFlags, Omit<ModelFlags, 'memory'> {
  readonly command: 'evaluate'
  readonly data: string
  /** Pictures of single objects, and the CLIP that classifies; both or neither. */
  readonly zeroShot?: { readonly data: string; readonly clip: string }
}

/** What a command line asks for. */
export type Request =
  | RunRequest
  | CaptionRequest
  | ScoreRequest
  | PairRequest
  | EvaluateRequest
  | TrainRequest
  | GenerateRequest
  | LogpsRequest
  | { command: 'help' }
  | { command: 'version' }
  | { command: 'doctor'; json: boolean }
  | { command: 'serve'; port: number }

export const USAGE = `Usage: clip-dpo COMMAND

  doctor [--json]      Say what WebGPU offers in a headless browser on this machine.
  serve [--port N]     Serve the page to this machine. Default port 4173.
  run RECIPE --out DIR [--headed]
                       Run a whole recipe: caption, score, pair, train, evaluate. Writes summary.json, report.html, the
                       adapter and what every stage made. Paths in a recipe start from its folder.
  caption --model DIR [--adapter DIR] --images PLACE [--recipe FILE] [--skip N] [--limit N] [--round N] --out DIR
                       Write several answers about every picture, as the recipe's part caption says: captions.jsonl, and
                       the pictures as images/HASH.
  score --clip DIR --data FILE [--images DIR] [--recipe FILE] --out DIR
                       Score the lines of captions.jsonl by CLIP: scores.jsonl. Pictures are found beside the file as
                       images/HASH, or below --images by their name.
  pair --data FILE [--images DIR] [--recipe FILE] --out DIR
                       Make preference pairs of the lines of scores.jsonl by the rules: pairs.jsonl and funnel.json.
  evaluate --model DIR [--adapter DIR] --data PLACE [--zero-shot PLACE --clip DIR] [--recipe FILE] [--skip N]
           [--limit N] --out DIR
                       Hold what a model says against pictures whose truth is known, with the adapter and without:
                       evaluation.json, with truncation controls and 95% intervals. AMBER's own files are known.
  train --model DIR --data FILE --config FILE [--adapter DIR] [--no-shuffle] [--recompute] --out DIR
                       Train a LoRA adapter by preference pairs; writes PEFT's files and metrics.jsonl.
  generate --model DIR [--adapter DIR] --image FILE... --prompt TEXT [-n N] [--seed S]
           [--temperature T] [--top-p P] [--max-new-tokens N] [--out FILE]
                       Write N answers for each image (1), greedy at temperature 0. Defaults: seed 0, temperature 1,
                       top-p 1, 256 tokens. A prompt is taken as the user's message to the chat template, or, where
                       the model has none, as it is.
  logps --model DIR [--adapter DIR] --data FILE [--out FILE]
                       Add logp, numTokens and tokenLogps to rows of images, prompt, completion.

  --help, --version

What runs a model says first what memory it will take, and refuses what cannot fit. --weights f32|f16|int8|int4 (f32) says
how weights are kept, --memory MIB the most to take on the GPU (no limit), --recompute computes layers twice to keep less,
as is done anyway where the rest would not fit.
--data is JSON lines or parquet with images (paths relative to the file, or embedded), prompt, and chosen and rejected.
--config is JSON: the trainer's settings under TRL's names, and peft: {"r": 16, "lora_alpha": 32, ...} for a new adapter.
caption, score, pair and evaluate take their settings and the seed from a recipe (recipes/paper.json). PLACE is a folder of
pictures, a zip, a tar, JSON lines, parquet, MS-COCO's JSON, AMBER's or POPE's folder, or embedded:NAME/SPLIT; models of
these commands may be embedded:NAME too.
What is stopped (Ctrl+C) is continued by the same command: run, caption, score, evaluate and train.

Exit codes: 0 done, 1 failed (doctor: no usable WebGPU), 2 wrong usage, 3 stopped and can be continued.
CHROME_PATH names the browser to use; without it an installed Chrome, Chromium or Edge is found, or one is installed.`

/**
 * Understands a command line, without program name.
 * @throws {UsageError} for an unknown command or option, or a value that does not fit.
 */
export function parseRequest(args: readonly string[]): Request {
  const [command, ...rest] = args
  if (command === undefined) throw new UsageError('expected a command, got none')
  switch (command) {
    case '--help':
    case '-h':
    case 'help':
      return { command: 'help' }
    case '--version':
      return { command: 'version' }
    case 'doctor': {
      const { json } = parse(rest, { json: { type: 'boolean' } })
      return { command, json: json === true }
    }
    case 'serve': {
      const { port } = parse(rest, { port: { type: 'string' } })
      return { command, port: port === undefined ? 4173 : portOf(String(port)) }
    }
    case 'run': {
      const recipes: string[] = []
      const flags = parse(rest, { out: TEXT, headed: { type: 'boolean' } }, recipes)
      const [recipe, ...others] = recipes
      if (recipe === undefined) throw new UsageError('expected a recipe, got none')
      if (others.length > 0) throw new UsageError(`expected one recipe, got ${recipes.length}`)
      return { command, recipe, out: required(flags, 'out'), isHeaded: flags.headed === true }
    }
    case 'caption': {
      const flags = parse(rest, { ...STAGE_MODEL, ...STAGE, ...PICTURES, images: TEXT, round: TEXT })
      return {
        command,
        ...modelFlags(flags),
        ...pictureFlags(flags),
        images: required(flags, 'images'),
        round: numberOf(flags, 'round', { fallback: 1, from: 1, to: 1e6, isWhole: true }),
        ...stageFlags(flags),
      }
    }
    case 'score': {
      const flags = parse(rest, { ...STAGE, clip: TEXT, data: TEXT, images: TEXT })
      const [clip, data] = [required(flags, 'clip'), required(flags, 'data')]
      return { command, clip, data, ...optional(flags, 'images'), ...stageFlags(flags) }
    }
    case 'pair': {
      const flags = parse(rest, { ...STAGE, data: TEXT, images: TEXT })
      return { command, data: required(flags, 'data'), ...optional(flags, 'images'), ...stageFlags(flags) }
    }
    case 'evaluate': {
      const single = { 'zero-shot': TEXT, clip: TEXT }
      const flags = parse(rest, { ...STAGE_MODEL, ...STAGE, ...PICTURES, ...single, data: TEXT })
      const isClassified = flags['zero-shot'] !== undefined || flags.clip !== undefined
      const zeroShot = isClassified && { data: required(flags, 'zero-shot'), clip: required(flags, 'clip') }
      return {
        command,
        ...modelFlags(flags),
        ...pictureFlags(flags),
        data: required(flags, 'data'),
        ...(zeroShot ? { zeroShot } : {}),
        ...stageFlags(flags),
      }
    }
    case 'train': {
      const flags = parse(rest, {
        ...MODEL,
        data: TEXT,
        config: TEXT,
        'no-shuffle': { type: 'boolean' },
        recompute: { type: 'boolean' },
        out: TEXT,
      })
      return {
        command,
        ...modelFlags(flags),
        data: required(flags, 'data'),
        config: required(flags, 'config'),
        shuffle: flags['no-shuffle'] !== true,
        recompute: flags.recompute === true,
        out: required(flags, 'out'),
      }
    }
    case 'generate':
      return generateRequest(rest)
    case 'logps': {
      const flags = parse(rest, { ...MODEL, data: TEXT, out: TEXT })
      return { command, ...modelFlags(flags), data: required(flags, 'data'), ...optional(flags, 'out') }
    }
    default:
      throw new UsageError(`unknown command ${command}`)
  }
}

type Options = Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: boolean }>
type Flags = Record<string, string | boolean | (string | boolean)[] | undefined>

const TEXT = { type: 'string' } as const
const STAGE_MODEL = { model: TEXT, adapter: TEXT, weights: TEXT }
const MODEL = { ...STAGE_MODEL, memory: TEXT }
const STAGE = { recipe: TEXT, out: TEXT }
const PICTURES = { skip: TEXT, limit: TEXT }

/** @param positionals takes what belongs to no flag; without, such words are errors. */
function parse(args: string[], options: Options, positionals?: string[]): Flags {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: positionals !== undefined })
    positionals?.push(...parsed.positionals)
    return { ...parsed.values }
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

function generateRequest(args: string[]): GenerateRequest {
  const images: string[] = [] // `--image a.png b.png` leaves the second on its own
  const flags = parse(
    args,
    {
      ...MODEL,
      image: { type: 'string', multiple: true },
      prompt: TEXT,
      candidates: { type: 'string', short: 'n' },
      seed: TEXT,
      temperature: TEXT,
      'top-p': TEXT,
      'max-new-tokens': TEXT,
      out: TEXT,
    },
    images,
  )
  if (!Array.isArray(flags.image)) throw new UsageError('--image: expected at least one file, got none')
  return {
    command: 'generate',
    ...modelFlags(flags),
    images: [...flags.image.map(String), ...images],
    prompt: required(flags, 'prompt'),
    candidates: numberOf(flags, 'candidates', { fallback: 1, from: 1, to: 1e6, isWhole: true }),
    seed: numberOf(flags, 'seed', { fallback: 0, from: 0, to: 2 ** 32 - 1, isWhole: true }),
    temperature: numberOf(flags, 'temperature', { fallback: 1, from: 0, to: 100 }),
    topP: numberOf(flags, 'top-p', { fallback: 1, from: 0, to: 1 }),
    maxNewTokens: numberOf(flags, 'max-new-tokens', { fallback: 256, from: 1, to: 1e6, isWhole: true }),
    ...optional(flags, 'out'),
  }
}

function modelFlags(flags: Flags): ModelFlags {
  const weights = flags.weights === undefined ? undefined : weightsOf(required(flags, 'weights'))
  return {
    model: required(flags, 'model'),
    ...optional(flags, 'adapter'),
    ...(weights === undefined ? {} : { weights }),
    ...(flags.memory === undefined
      ? {}
      : { memory: numberOf(flags, 'memory', { fallback: 0, from: 1, to: 1e6 }) }),
  }
}

function stageFlags(flags: Flags): StageFlags {
  return { ...optional(flags, 'recipe'), out: required(flags, 'out') }
}

function pictureFlags(flags: Flags): PictureFlags {
  const limit = numberOf(flags, 'limit', { fallback: 0, from: 1, to: 1e9, isWhole: true })
  return {
    skip: numberOf(flags, 'skip', { fallback: 0, from: 0, to: 1e9, isWhole: true }),
    ...(limit > 0 ? { limit } : {}),
  }
}

function weightsOf(text: string): WeightsFlag {
  const weights = WEIGHTS.find((format) => format === text)
  if (!weights) throw new UsageError(`--weights: expected one of ${WEIGHTS.join(', ')}, got ${text}`)
  return weights
}

function required(flags: Flags, name: string): string {
  const value = flags[name]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name}: expected a value, got none`)
  return value
}

function optional<N extends string>(flags: Flags, name: N): { [K in N]?: string } {
  return (flags[name] === undefined ? {} : { [name]: required(flags, name) }) as { [K in N]?: string }
}

function numberOf(
  flags: Flags,
  name: string,
  { fallback, from, to, isWhole = false }: { fallback: number; from: number; to: number; isWhole?: boolean },
): number {
  if (flags[name] === undefined) return fallback
  const text = required(flags, name)
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= from && value <= to) || (isWhole && !Number.isInteger(value))) {
    throw new UsageError(
      `--${name}: expected a${isWhole ? ' whole' : ''} number from ${from} to ${to}, got ${text}`,
    )
  }
  return value
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port: expected 0 to 65535, got ${text}`)
  return port
}
