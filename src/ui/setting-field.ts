/** A setting a visitor can change, and how it is asked for. */
export interface SettingField {
  /** In the recipe. */
  readonly path: string
  readonly label: string
  /** One plain sentence. */
  readonly meaning: string
  readonly kind: 'number' | 'text' | 'lines' | 'choice' | 'switch' | 'model' | 'step'
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly step?: number | 'any'
  /** What is meant where nothing is set, as the field shows it. */
  readonly unset?: string
  /** An empty field means null rather than the default. */
  readonly isNullable?: true
  /** What a switch stands for when it is on; off, nothing is set. Default true and false. */
  readonly on?: unknown
  /** Whether a switch is on where nothing is set. Default false. */
  readonly isOnUnset?: boolean
  /** Settings that go when this one is changed, since they belong to what was there. */
  readonly clears?: readonly string[]
  /** Asked for only where there is something at this path. */
  readonly within?: string
}

/**
 * What a filled-in field stands for in the recipe; undefined for the default.
 * @param known what the recipe has there. @returns NaN for what is no number.
 */
export function fieldValue({ kind, isNullable }: SettingField, text: string, known?: unknown): unknown {
  const trimmed = text.trim()
  if (kind === 'lines') return trimmed.split('\n').flatMap((line) => line.trim() || [])
  if (trimmed === '') return isNullable ? null : undefined
  if (kind === 'model') return { ...withoutHash(known), source: trimmed }
  if (kind === 'step')
    return Number.isNaN(Number(trimmed)) ? Number.NaN : { ...(known ?? {}), step: Number(trimmed) }
  return kind === 'number' ? Number(trimmed) : trimmed
}

/** What a switch stands for in the recipe. */
export function switchValue({ on }: SettingField, isOn: boolean): unknown {
  if (on === undefined) return isOn
  return isOn ? on : undefined
}

/** What a field shows of a value in the recipe; equal where the field need not tell them apart. */
export function fieldText({ kind, on, isOnUnset = false }: SettingField, value: unknown): string {
  if (kind === 'switch') {
    const isOn = on === undefined ? (value ?? isOnUnset) === true : (value ?? null) !== null
    return isOn ? 'on' : ''
  }
  if (value === undefined || value === null) return ''
  if (kind === 'lines') return Array.isArray(value) ? value.join('\n') : ''
  if (kind === 'model') return String((value as { source?: unknown }).source ?? '')
  if (kind === 'step') return String((value as { step?: unknown }).step ?? '')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** How a model is used, without what named the one before. */
function withoutHash(known: unknown): object {
  const { sha256: _, ...rest } = (known ?? {}) as { sha256?: unknown }
  return rest
}
