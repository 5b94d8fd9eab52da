import { COMMANDS, type CommandName } from './commands.ts'
import type { Request } from './requests.ts'
import { UsageError } from './usage-error.ts'

/** Columns of the usage, and where a command's meaning begins. */
const WIDTH = 120
const INDENT = 23

/** What holds for several commands, paragraph by paragraph. */
const GENERAL = [
  'What runs a model says before it loads it what memory it will take as far as that is known, and refuses what cannot fit; train says ' +
    'it again once it has read its pairs. --weights f32|f16|int8|int4 (f32) says how ' +
    'weights are kept, --memory MIB the most to take on the GPU (no limit), --recompute computes layers twice to keep less, as is done ' +
    'anyway where the rest would not fit.',
  'MODEL is a folder in the hub’s layout, embedded:NAME, or the hub’s OWNER/NAME. PLACE is a folder of pictures, a zip, a tar, JSON ' +
    'lines, parquet, MS-COCO’s JSON, AMBER’s or POPE’s folder, or embedded:NAME/SPLIT.',
  '--data of train and logps is JSON lines or parquet with images (paths relative to the file, or embedded), prompt, and chosen and ' +
    'rejected or completion. --config is JSON: the trainer’s settings under TRL’s names, and peft: {"r": 16, "lora_alpha": 32, ...} ' +
    'for a new adapter.',
  '--share A,B takes some of the pictures by their contents, from 0 to 1: 0,0.8 and 0.8,1 have none in common. --skip and --limit ' +
    'count among those.',
  'caption, score, pair and evaluate take their settings and the seed from a recipe (recipes/paper.json).',
  'What is stopped (Ctrl+C) is continued by the same command: run, caption, score, evaluate and train.',
]

const ENDS = [
  'Exit codes: 0 done, 1 failed (doctor: no usable WebGPU), 2 wrong usage, 3 stopped and can be continued.',
  'CHROME_PATH names the browser to use; without it an installed Chrome, Chromium or Edge is found, or one is installed.',
]

export const USAGE = [
  'Usage: clip-dpo COMMAND',
  '',
  ...(Object.keys(COMMANDS) as CommandName[]).flatMap(commandLines),
  '',
  '  --help, --version',
  '',
  ...GENERAL.flatMap((text) => wrapped(text, WIDTH)),
  '',
  ...ENDS,
].join('\n')

/**
 * Understands a command line, without program name.
 * @throws {UsageError} for an unknown command or option, or a value that does not fit.
 */
export function parseRequest(args: readonly string[]): Request {
  const [command, ...rest] = args
  if (command === undefined) throw new UsageError('expected a command, got none')
  if (command === '--help' || command === '-h' || command === 'help') return { command: 'help' }
  if (command === '--version') return { command: 'version' }
  if (!Object.hasOwn(COMMANDS, command)) throw new UsageError(`unknown command ${command}`)
  return COMMANDS[command as CommandName].parse(rest)
}

/** A command's form and, beside or below it, its meaning. */
function commandLines(name: CommandName): string[] {
  const { form, meaning } = COMMANDS[name]
  const forms = form.map((line, i) => `  ${i === 0 ? name : ' '.repeat(name.length)} ${line}`)
  const meanings = wrapped(meaning, WIDTH - INDENT)
  const [only = ''] = forms
  if (forms.length === 1 && only.length < INDENT - 1 && meanings.length === 1)
    return [only.padEnd(INDENT) + meanings[0]]
  return [...forms, ...meanings.map((line) => ' '.repeat(INDENT) + line)]
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
