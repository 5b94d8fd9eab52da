import type { Gpu } from '../../gpu/gpu.ts'
import { Tensor } from '../../gpu/tensor.ts'
import type { Workspace } from './workspace.ts'

/** Where the GPU writes one draw. */
export interface DrawnTensors {
  readonly token: Tensor // (rows), u32
  readonly logprob: Tensor // (rows)
  readonly top: { readonly ids: Tensor; readonly logprobs: Tensor } | undefined // (rows, topLogprobs)
}

/** One draw as the CPU reads it. */
export interface DrawnValues {
  readonly tokens: Uint32Array // (rows)
  readonly logprobs: Float32Array // (rows)
  readonly top: { readonly ids: Uint32Array; readonly logprobs: Float32Array } | undefined // (rows, topLogprobs)
}

/** Parts begin at multiples of 256 bytes. */
const ALIGNMENT = 64

/** Words of the memory for several draws of `rows` tokens each. */
export function drawnWords(rows: number, draws: number, topLogprobs: number): number {
  return draws * partsOf(rows, topLogprobs).words
}

/** What the draws between two looks leave on the GPU: side by side, so that one copy brings all of it to the CPU. */
export class DrawnTokens {
  readonly #gpu: Gpu
  readonly #workspace: Workspace
  readonly #draws: number
  readonly #topLogprobs: number

  /** @param draws the most between two looks. @param topLogprobs likeliest tokens told of each; 0 for none. */
  constructor(gpu: Gpu, workspace: Workspace, draws: number, topLogprobs: number) {
    this.#gpu = gpu
    this.#workspace = workspace
    this.#draws = draws
    this.#topLogprobs = topLogprobs
  }

  /** The place of a draw among those since the last look, for as many rows as the workspace has now. */
  at(draw: number): DrawnTensors {
    const { answers } = this.#workspace.rows
    const whole = this.#whole()
    const { words, logprob, ids, logprobs } = partsOf(answers, this.#topLogprobs)
    const part = (first: number, cols: number, dtype: 'u32' | 'f32'): Tensor => {
      const shape = cols === 0 ? [answers] : [answers, cols]
      return new Tensor(whole.buffer, shape, dtype, 4 * (draw * words + first))
    }
    const count = this.#topLogprobs
    const top = { ids: part(ids, count, 'u32'), logprobs: part(logprobs, count, 'f32') }
    return {
      token: part(0, 0, 'u32'),
      logprob: part(logprob, 0, 'f32'),
      top: count > 0 ? top : undefined,
    }
  }

  /** Waits for the first draws since the last look; the workspace still has their rows. */
  async read(draws: number): Promise<DrawnValues[]> {
    const { answers } = this.#workspace.rows
    const { words, logprob, ids, logprobs } = partsOf(answers, this.#topLogprobs)
    const bytes = await this.#gpu.stream.read(this.#whole().prefix([draws * words]))
    const count = this.#topLogprobs
    return Array.from({ length: draws }, (_, draw) => {
      const at = (first: number): number => 4 * (draw * words + first)
      return {
        tokens: new Uint32Array(bytes, at(0), answers),
        logprobs: new Float32Array(bytes, at(logprob), answers),
        top:
          count > 0
            ? {
                ids: new Uint32Array(bytes, at(ids), answers * count),
                logprobs: new Float32Array(bytes, at(logprobs), answers * count),
              }
            : undefined,
      }
    })
  }

  #whole(): Tensor {
    const words = (rows: number): number => drawnWords(rows, this.#draws, this.#topLogprobs)
    return this.#workspace.view('drawn', (r) => [words(r.answers)], 'u32')
  }
}

/** Words of a draw, and where its parts begin after the tokens. */
function partsOf(
  rows: number,
  topLogprobs: number,
): Record<'words' | 'logprob' | 'ids' | 'logprobs', number> {
  const one = aligned(rows)
  const many = aligned(rows * topLogprobs)
  return { words: 2 * (one + many), logprob: one, ids: 2 * one, logprobs: 2 * one + many }
}

function aligned(words: number): number {
  return Math.ceil(words / ALIGNMENT) * ALIGNMENT
}
