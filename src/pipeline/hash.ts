import { sha256 } from '../data/sha256.ts'

/** Everything that determines a stage's output. */
export interface StageInputs {
  /** The stage's name. */
  readonly stage: string
  /** Raised whenever the stage's code comes to give another output for the same inputs. */
  readonly version: number
  /** The stage's part of the recipe, and what of the device the output depends on. */
  readonly settings: unknown
  /** Hashes of what the stage reads, by name: outputs of other stages, models, the dataset. */
  readonly inputs: Readonly<Record<string, string>>
}

/** The key of a stage's output: SHA-256, hexadecimal, of its inputs in canonical form. @throws {TypeError} as `canonicalJson`. */
export async function stageHash({ stage, version, settings, inputs }: StageInputs): Promise<string> {
  return await jsonHash({ stage, version, settings, inputs })
}

/** SHA-256, hexadecimal, of a JSON value in canonical form. @throws {TypeError} as `canonicalJson`. */
export async function jsonHash(value: unknown): Promise<string> {
  return await sha256(new TextEncoder().encode(canonicalJson(value)))
}

/**
 * A JSON value as text that does not depend on the order in which its properties came: sorted by their code units,
 * no blanks, numbers and strings as `JSON.stringify` writes them (RFC 8785, but lone surrogates are escaped, not refused).
 * @throws {TypeError} for what JSON has no form for, naming its path: undefined, NaN, infinities, dates,
 * typed arrays.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 'the value')
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${Array.from(value, (item, i) => write(item, `${path}.${i}`)).join(',')}]`
  if (isPlainObject(value)) {
    const properties = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${properties.map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`)}`).join(',')}}`
  }
  throw new TypeError(
    `${path}: expected JSON, got ${typeof value === 'object' ? value.constructor.name : String(value)}: ` +
      'leave out what is not set, and give other values as numbers or text',
  )
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value) as unknown
  return prototype === null || prototype === Object.prototype
}
