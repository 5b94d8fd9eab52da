import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { SAMPLE_KEY } from '../../kernels/sample.ts'
import type { Workspace } from './workspace.ts'

/** Rows of a step's table, and the words of one row. */
export interface TableShape {
  readonly name: string
  readonly width: number
}

export const POSITIONS: TableShape = { name: 'positions', width: 1 }
export const RANGES: TableShape = { name: 'ranges', width: 4 }
export const CACHE_INDEX: TableShape = { name: 'cacheIndex', width: 1 }
export const KEYS: TableShape = { name: 'keys', width: SAMPLE_KEY.length }
const WIDEST = SAMPLE_KEY.length

/** Each step's part of a table starts at a multiple of 256 bytes. */
const ALIGNMENT = 64

/** What tells the kernels of a decode step where its rows stand; all tables have room for the largest. */
export class StepTables {
  readonly #gpu: Gpu
  readonly #workspace: Workspace
  readonly #size: number

  /** @param size words of each table, as `decodeSizes` counts them. */
  constructor(gpu: Gpu, workspace: Workspace, size: number) {
    this.#gpu = gpu
    this.#workspace = workspace
    this.#size = size
  }

  /**
   * Uploads a table for several steps at once, so that the steps follow one another without a pause.
   * @param value a row's words at the step that draws its token n, counted from 0.
   * @returns (steps, padded rows * width)
   */
  perStep<Row extends { readonly generation: { readonly tokens: readonly number[] } }>(
    { name, width }: TableShape,
    active: readonly Row[],
    steps: number,
    value: (row: Row, n: number) => readonly number[],
  ): Tensor {
    const stepWords = aligned(active.length) * width
    const data = new Uint32Array(steps * stepWords)
    for (let step = 0; step < steps; step++) {
      active.forEach((row, i) => {
        data.set(value(row, row.generation.tokens.length + step), step * stepWords + i * width)
      })
    }
    return this.upload(name, data, [steps, stepWords])
  }

  upload(name: string, data: Uint32Array<ArrayBuffer>, shape: readonly number[]): Tensor {
    const table = this.#workspace.view(`table.${name}`, () => [this.#size], 'u32').prefix(shape)
    this.#gpu.stream.write(table, data)
    return table
  }
}

/**
 * Rows of a batch's passes and of its cache, and words of each of its tables.
 * @param passTokens most tokens of prefixes computed at once. Default all.
 */
export function decodeSizes({
  prefixTokens,
  passTokens = prefixTokens,
  answers,
  maxNewTokens,
  stride,
}: {
  prefixTokens: number
  passTokens?: number
  answers: number
  maxNewTokens: number
  stride: number
}): Record<'tokens' | 'cacheRows' | 'tableSize', number> {
  return {
    tokens: Math.max(passTokens, answers),
    cacheRows: prefixTokens + answers * maxNewTokens,
    tableSize: WIDEST * Math.max(passTokens, stride * aligned(answers)),
  }
}

function aligned(rows: number): number {
  return Math.ceil(rows / ALIGNMENT) * ALIGNMENT
}
