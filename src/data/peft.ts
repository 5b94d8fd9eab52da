import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import type { ByteSource } from './bytes.ts'
import {
  readSafetensorsHeader,
  type TensorEntry,
  type TensorToWrite,
  writeSafetensors,
} from './safetensors.ts'

/** LoRA settings under PEFT's names; defaults are `LoraConfig`'s, but for `target_modules`, for which PEFT has none: "all-linear". */
export interface LoraConfig {
  /** Rank of the update. */
  r: number
  lora_alpha: number
  /** Share of the inputs dropped on the adapter's path while training, 0 to 1. */
  lora_dropout: number
  /** Scale by alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732). */
  use_rslora: boolean
  /** true: A Kaiming-uniform, B zero; "gaussian": A normal with deviation 1 / r, B zero; false: both random. */
  init_lora_weights: boolean | 'gaussian'
  /**
   * Which linear layers get an adapter: a regular expression that must match a module's whole path, or a list of path
   * endings, or "all-linear" (all but the head).
   */
  target_modules: string | string[]
  exclude_modules: string | string[] | null
}

/** The same as they are given: what is left out has its default. */
export type LoraSettings = Partial<LoraConfig>

/** An adapter file or setting is not one this project can use; the message names the key. */
export class AdapterError extends Error {
  override readonly name = 'AdapterError'
}

const whole = v.pipe(v.number(), v.integer(), v.minValue(1))
const modules = v.union([v.string(), v.array(v.string())])

const ENTRIES = {
  r: v.optional(whole, 8),
  lora_alpha: v.optional(v.pipe(v.number(), v.minValue(0)), 8),
  lora_dropout: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(0.999)), 0),
  use_rslora: v.optional(v.boolean(), false),
  init_lora_weights: v.optional(v.union([v.boolean(), v.literal('gaussian')]), true),
  target_modules: v.optional(modules, 'all-linear'),
  exclude_modules: v.optional(v.nullable(modules), null),
}

/** Keys of `adapter_config.json` that change nothing of what LoRA computes. */
const NEUTRAL = [
  'task_type',
  'peft_type',
  'auto_mapping',
  'peft_version',
  'base_model_name_or_path',
  'revision',
  'inference_mode',
  'megatron_core',
  'qalora_group_size',
  'loftq_config',
]

/** What other keys must hold: LoRA variants this project does not compute are refused, not ignored. */
const OFF = [undefined, null, false, 'none', '{}', '[]']

/**
 * Reads LoRA settings, from a recipe or from PEFT's `adapter_config.json`.
 * @throws {AdapterError} naming the key, what was expected and what came.
 */
export function parseLoraConfig(json: unknown, where = 'adapter_config.json'): LoraConfig {
  const parsed = readSchema(
    v.looseObject(ENTRIES),
    json,
    (message) => new AdapterError(`${where}: ${message}`),
  )
  const {
    r,
    lora_alpha,
    lora_dropout,
    use_rslora,
    init_lora_weights,
    target_modules,
    exclude_modules,
    ...others
  } = parsed
  if (others.peft_type !== undefined && others.peft_type !== 'LORA') {
    throw new AdapterError(`${where}: peft_type: expected LORA, got ${String(others.peft_type)}`)
  }
  for (const [key, value] of Object.entries(others)) {
    if (NEUTRAL.includes(key)) continue
    const plain = typeof value === 'object' && value !== null ? JSON.stringify(value) : value
    if (!(OFF as unknown[]).includes(plain)) {
      throw new AdapterError(
        `${where}: ${key}: only plain LoRA is computed here; expected it absent or off, got ${JSON.stringify(value)}`,
      )
    }
  }
  return { r, lora_alpha, lora_dropout, use_rslora, init_lora_weights, target_modules, exclude_modules }
}

/** Factor on the adapter's output: alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA. */
export function loraScaling(config: Pick<LoraConfig, 'r' | 'lora_alpha' | 'use_rslora'>): number {
  return config.lora_alpha / (config.use_rslora ? Math.sqrt(config.r) : config.r)
}

/**
 * The linear layers an adapter goes on, as PEFT chooses them.
 * @param paths module paths without `base_model.model.`, such as `model.layers.0.self_attn.q_proj`.
 * @throws {AdapterError} when the pattern is no regular expression or matches nothing.
 */
export function matchTargetModules(
  config: Pick<LoraConfig, 'target_modules' | 'exclude_modules'>,
  paths: readonly string[],
): string[] {
  const { target_modules: target, exclude_modules: exclude } = config
  const isTarget =
    target === 'all-linear'
      ? (path: string) => !/(^|\.)lm_head$/.test(path)
      : matcher(target, 'target_modules')
  const isExcluded = exclude === null ? () => false : matcher(exclude, 'exclude_modules')
  const matched = paths.filter((path) => isTarget(path) && !isExcluded(path))
  if (matched.length === 0) {
    throw new AdapterError(
      `target_modules: ${JSON.stringify(target)} matches none of the ${paths.length} linear layers, such as ${paths[0]}`,
    )
  }
  return matched
}

function matcher(modules: string | string[], key: string): (path: string) => boolean {
  if (Array.isArray(modules))
    return (path) => modules.some((name) => path === name || path.endsWith(`.${name}`))
  const pattern = pythonPattern(modules, key)
  return (path) => pattern.test(path)
}

/** Python's `re.fullmatch` as a JavaScript pattern: anchored, with Python's spelling of groups and anchors. */
function pythonPattern(source: string, key: string): RegExp {
  if (/\(\?(?![:=!]|<[=!]|P[<=])/.test(source)) {
    throw new AdapterError(
      `${key}: expected a regular expression without inline flags or conditionals, got ${JSON.stringify(source)}`,
    )
  }
  const translated = source
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replaceAll('\\A', '^')
    .replaceAll('\\Z', '$')
  try {
    return new RegExp(`^(?:${translated})$`, 's')
  } catch (cause) {
    throw new AdapterError(
      `${key}: expected a regular expression, got ${JSON.stringify(source)}: ${String(cause)}`,
      { cause },
    )
  }
}

/** The two matrices of one adapted layer. */
export interface LoraMatrices<T> {
  /** (r, in) */
  loraA: T
  /** (out, r) */
  loraB: T
}

const TENSOR_NAME = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/

/**
 * Reads the layout of PEFT's `adapter_model.safetensors`.
 * @returns entries by module path; paths of transformers before 4.52 are turned into today's.
 * @throws {AdapterError} for tensors that are no LoRA weights or a layer with one matrix only.
 */
export async function readAdapterWeights(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Map<string, LoraMatrices<TensorEntry>>> {
  const halves = new Map<string, Partial<LoraMatrices<TensorEntry>>>()
  for (const entry of await readSafetensorsHeader(source, signal)) {
    const [, path, matrix] = TENSOR_NAME.exec(entry.name) ?? []
    if (!path)
      throw new AdapterError(`${source.name}: expected only lora_A and lora_B weights, got ${entry.name}`)
    const module = currentPath(path)
    halves.set(module, { ...halves.get(module), [matrix === 'A' ? 'loraA' : 'loraB']: entry })
  }
  const layers = new Map<string, LoraMatrices<TensorEntry>>()
  for (const [path, { loraA, loraB }] of halves) {
    if (!loraA || !loraB)
      throw new AdapterError(
        `${source.name}: ${path}: expected lora_A and lora_B, got lora_${loraA ? 'A' : 'B'} only`,
      )
    if (loraA.shape[0] !== loraB.shape[1]) {
      throw new AdapterError(
        `${source.name}: ${path}: expected one rank, got lora_A (${loraA.shape}) and lora_B (${loraB.shape})`,
      )
    }
    layers.set(path, { loraA, loraB })
  }
  return layers
}

/** A module path of older transformers (`language_model.model.layers...`) as transformers >= 4.52 names it. */
export function currentPath(path: string): string {
  if (path === 'language_model.lm_head') return 'lm_head'
  return path.replace(/^language_model\.model\./, 'model.language_model.')
}

/**
 * PEFT's two files of a LoRA adapter.
 * @param layers f32 matrices by module path; `target_modules` is written as a pattern that matches exactly these paths,
 *   so that PEFT never adapts a vision tower whose layers carry the same names.
 */
export function writeAdapter(
  config: LoraConfig,
  layers: ReadonlyMap<string, LoraMatrices<Float32Array>>,
  baseModel: string | null = null,
): { 'adapter_config.json': string; 'adapter_model.safetensors': Uint8Array<ArrayBuffer> } {
  const tensors = new Map<string, TensorToWrite>()
  for (const [path, { loraA, loraB }] of layers) {
    for (const [name, values] of [
      ['lora_A', loraA],
      ['lora_B', loraB],
    ] as const) {
      const other = values.length / config.r
      const shape = name === 'lora_A' ? [config.r, other] : [other, config.r]
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      tensors.set(`base_model.model.${path}.${name}.weight`, { dtype: 'F32', shape, bytes })
    }
  }
  const written = {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: baseModel,
    inference_mode: true,
    bias: 'none',
    fan_in_fan_out: false,
    modules_to_save: null,
    ...config,
    target_modules: exactPattern([...layers.keys()]),
    exclude_modules: null,
  }
  return {
    'adapter_config.json': `${JSON.stringify(written, null, 2)}\n`,
    'adapter_model.safetensors': writeSafetensors(tensors),
  }
}

/** A short pattern for a decoder's layer paths that matches these and, among the same layers, no others. */
function exactPattern(paths: readonly string[]): string {
  const byShape = new Map<string, Set<string>>()
  for (const path of paths) {
    const shape = path.replace(/\.\d+\./, '.#.')
    const index = /\.(\d+)\./.exec(path)?.[1] ?? ''
    byShape.set(shape, (byShape.get(shape) ?? new Set()).add(index))
  }
  return [...byShape]
    .map(([shape, indices]) => shape.replaceAll('.', '\\.').replace('#', `(${[...indices].join('|')})`))
    .join('|')
}
