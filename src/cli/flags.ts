import { parseArgs } from 'node:util'
import { type ModelFlags, type PictureFlags, type StageFlags, WEIGHTS, type WeightsFlag } from './requests.ts'
import { UsageError } from './usage-error.ts'

type Options = Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: boolean }>
export type Flags = Record<string, string | boolean | (string | boolean)[] | undefined>

export const TEXT = { type: 'string' } as const
export const STAGE_MODEL = { model: TEXT, adapter: TEXT, weights: TEXT }
export const MODEL = { ...STAGE_MODEL, memory: TEXT }
export const STAGE = { recipe: TEXT, out: TEXT }
export const PICTURES = { skip: TEXT, limit: TEXT, share: TEXT }

/** @param positionals takes what belongs to no flag; without, such words are errors. */
export function parse(args: string[], options: Options, positionals?: string[]): Flags {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: positionals !== undefined })
    positionals?.push(...parsed.positionals)
    return { ...parsed.values }
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

export function modelFlags(flags: Flags): ModelFlags {
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

export function stageFlags(flags: Flags): StageFlags {
  return { ...optional(flags, 'recipe'), out: required(flags, 'out') }
}

export function pictureFlags(flags: Flags): PictureFlags {
  const limit = numberOf(flags, 'limit', { fallback: 0, from: 1, to: 1e9, isWhole: true })
  return {
    skip: numberOf(flags, 'skip', { fallback: 0, from: 0, to: 1e9, isWhole: true }),
    ...(limit > 0 ? { limit } : {}),
    ...(flags.share === undefined ? {} : { share: shareOf(required(flags, 'share')) }),
  }
}

/** From 1, and the first where none is named. */
export function roundOf(flags: Flags): number {
  return numberOf(flags, 'round', { fallback: 1, from: 1, to: 1e6, isWhole: true })
}

/** Two numbers with a comma between them. */
function shareOf(text: string): [from: number, to: number] {
  const [from = Number.NaN, to = Number.NaN, ...more] = text.split(',').map(Number)
  if (more.length > 0 || !(from >= 0 && from < to && to <= 1))
    throw new UsageError(
      `--share: expected two numbers from 0 to 1, the lower one first, such as 0.8,1, got ${text}`,
    )
  return [from, to]
}

function weightsOf(text: string): WeightsFlag {
  const weights = WEIGHTS.find((format) => format === text)
  if (!weights) throw new UsageError(`--weights: expected one of ${WEIGHTS.join(', ')}, got ${text}`)
  return weights
}

export function required(flags: Flags, name: string): string {
  const value = flags[name]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name}: expected a value, got none`)
  return value
}

export function optional<N extends string>(flags: Flags, name: N): { [K in N]?: string } {
  return (flags[name] === undefined ? {} : { [name]: required(flags, name) }) as { [K in N]?: string }
}

export function numberOf(
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

export function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port: expected 0 to 65535, got ${text}`)
  return port
}
