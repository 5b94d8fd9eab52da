import {
  MODEL,
  modelFlags,
  numberOf,
  optional,
  PICTURES,
  parse,
  pictureFlags,
  portOf,
  required,
  roundOf,
  STAGE,
  STAGE_MODEL,
  stageFlags,
  TEXT,
} from './flags.ts'
import type { Request } from './requests.ts'
import { UsageError } from './usage-error.ts'

/** Commands by their names; the others are flags, `--help` and `--version`. */
export type CommandName = Exclude<Request['command'], 'help' | 'version'>

interface Command<R extends Request> {
  /** What follows the name, in lines as they are shown. */
  readonly form: readonly string[]
  /** What it does, for the usage. */
  readonly meaning: string
  /** @throws {UsageError} for an option it does not have, or a value that does not fit. */
  parse(args: string[]): R
}

type Commands = { readonly [C in CommandName]: Command<Extract<Request, { readonly command: C }>> }

/** Everything the program can be told to do, in the order of the usage. */
export const COMMANDS: Commands = {
  doctor: {
    form: ['[--json]'],
    meaning: 'Say what WebGPU offers in a headless browser on this machine.',
    parse(args) {
      const { json } = parse(args, { json: { type: 'boolean' } })
      return { command: 'doctor', json: json === true }
    },
  },
  serve: {
    form: ['[--port N]'],
    meaning: 'Serve the page to this machine. Default port 4173.',
    parse(args) {
      const { port } = parse(args, { port: TEXT })
      return { command: 'serve', port: port === undefined ? 4173 : portOf(String(port)) }
    },
  },
  run: {
    form: ['RECIPE --out DIR [--headed]'],
    meaning:
      'Run a whole recipe: caption, score, pair, train, evaluate. Writes summary.json, report.html, the adapter and what every ' +
      'stage made. Paths in a recipe start from its folder.',
    parse(args) {
      const recipes: string[] = []
      const flags = parse(args, { out: TEXT, headed: { type: 'boolean' } }, recipes)
      const [recipe, ...others] = recipes
      if (recipe === undefined) throw new UsageError('expected a recipe, got none')
      if (others.length > 0) throw new UsageError(`expected one recipe, got ${recipes.length}`)
      return { command: 'run', recipe, out: required(flags, 'out'), isHeaded: flags.headed === true }
    },
  },
  caption: {
    form: [
      '--model MODEL [--adapter DIR] --images PLACE [--recipe FILE] [--skip N] [--limit N] [--share A,B] [--round N] --out DIR',
    ],
    meaning:
      'Write several answers about every picture, as the recipe’s part caption says: captions.jsonl, and the pictures as images/HASH.',
    parse(args) {
      const flags = parse(args, { ...STAGE_MODEL, ...STAGE, ...PICTURES, images: TEXT, round: TEXT })
      return {
        command: 'caption',
        ...modelFlags(flags),
        ...pictureFlags(flags),
        images: required(flags, 'images'),
        round: roundOf(flags),
        ...stageFlags(flags),
      }
    },
  },
  score: {
    form: ['--clip MODEL --data FILE [--images DIR] [--recipe FILE] --out DIR'],
    meaning:
      'Score the lines of captions.jsonl by CLIP: scores.jsonl. Pictures are found beside the file as images/HASH, or below ' +
      '--images by their name.',
    parse(args) {
      const flags = parse(args, { ...STAGE, clip: TEXT, data: TEXT, images: TEXT })
      const [clip, data] = [required(flags, 'clip'), required(flags, 'data')]
      return { command: 'score', clip, data, ...optional(flags, 'images'), ...stageFlags(flags) }
    },
  },
  pair: {
    form: ['--data FILE [--images DIR] [--recipe FILE] [--round N] --out DIR'],
    meaning:
      'Make preference pairs of the lines of scores.jsonl by the rules, and by the recipe’s edits by hand to those of the round ' +
      '(1): pairs.jsonl and funnel.json.',
    parse(args) {
      const flags = parse(args, { ...STAGE, data: TEXT, images: TEXT, round: TEXT })
      const data = required(flags, 'data')
      return {
        command: 'pair',
        data,
        ...optional(flags, 'images'),
        ...stageFlags(flags),
        round: roundOf(flags),
      }
    },
  },
  evaluate: {
    form: [
      '--model MODEL [--adapter DIR] --data PLACE [--zero-shot PLACE --clip MODEL] [--recipe FILE]',
      '[--skip N] [--limit N] [--share A,B] --out DIR',
    ],
    meaning:
      'Hold what a model says against pictures whose truth is known, with the adapter and without: evaluation.json, with ' +
      'truncation controls and 95% intervals. AMBER’s own files and POPE’s are known.',
    parse(args) {
      const single = { 'zero-shot': TEXT, clip: TEXT }
      const flags = parse(args, { ...STAGE_MODEL, ...STAGE, ...PICTURES, ...single, data: TEXT })
      const isClassified = flags['zero-shot'] !== undefined || flags.clip !== undefined
      const zeroShot = isClassified && { data: required(flags, 'zero-shot'), clip: required(flags, 'clip') }
      return {
        command: 'evaluate',
        ...modelFlags(flags),
        ...pictureFlags(flags),
        data: required(flags, 'data'),
        ...(zeroShot ? { zeroShot } : {}),
        ...stageFlags(flags),
      }
    },
  },
  train: {
    form: ['--model MODEL --data FILE --config FILE [--adapter DIR] [--no-shuffle] [--recompute] --out DIR'],
    meaning: 'Train a LoRA adapter by preference pairs; writes PEFT’s files and metrics.jsonl.',
    parse(args) {
      const flags = parse(args, {
        ...MODEL,
        data: TEXT,
        config: TEXT,
        'no-shuffle': { type: 'boolean' },
        recompute: { type: 'boolean' },
        out: TEXT,
      })
      return {
        command: 'train',
        ...modelFlags(flags),
        data: required(flags, 'data'),
        config: required(flags, 'config'),
        shuffle: flags['no-shuffle'] !== true,
        recompute: flags.recompute === true,
        out: required(flags, 'out'),
      }
    },
  },
  generate: {
    form: [
      '--model MODEL [--adapter DIR] --image FILE... --prompt TEXT [-n N] [--seed S]',
      '[--temperature T] [--top-p P] [--max-new-tokens N] [--out FILE]',
    ],
    meaning:
      'Write N answers for each image (1), greedy at temperature 0. Defaults: seed 0, temperature 1, top-p 1, 256 tokens. A ' +
      'prompt is taken as the user’s message to the chat template, or, where the model has none, as it is.',
    parse(args) {
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
    },
  },
  logps: {
    form: ['--model MODEL [--adapter DIR] --data FILE [--out FILE]'],
    meaning: 'Add logp, numTokens and tokenLogps to rows of images, prompt, completion.',
    parse(args) {
      const flags = parse(args, { ...MODEL, data: TEXT, out: TEXT })
      return {
        command: 'logps',
        ...modelFlags(flags),
        data: required(flags, 'data'),
        ...optional(flags, 'out'),
      }
    },
  },
}
