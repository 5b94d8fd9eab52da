import type { Gpu } from '../../gpu/gpu.ts'
import { type PackOptions, packSequences, type Sequence } from './batch.ts'
import type { Decoder } from './decoder.ts'
import type { ActiveAdapter } from './linear.ts'
import type { BatchRows, Workspace } from './workspace.ts'

/** What the model says of each token of an answer, or of those from `Sequence.from` on. */
export interface PredictedAnswer {
  readonly logps: readonly number[]
  /** The likeliest token in each place, given the answer up to there. */
  readonly likeliest: readonly number[]
}

/** Log-probabilities of answers, batch by batch, prefixes shared; its buffers grow with the largest batch. */
export class AnswerLogps {
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #pack: Omit<PackOptions, 'maxPositions'>
  #workspace: Workspace | undefined

  constructor(gpu: Gpu, decoder: Decoder, imageTokenId: number | undefined) {
    this.#gpu = gpu
    this.#decoder = decoder
    const { hiddenSize, vocabSize } = decoder.config
    this.#pack = { imageTokenId, hiddenSize, vocabSize }
  }

  /**
   * @returns for each sequence the log-probability of each token of its answer.
   * @throws {BatchError} for a sequence that does not fit the model.
   */
  async measure(sequences: readonly Sequence[], adapter?: ActiveAdapter): Promise<number[][]> {
    const { logps, offsets } = this.#forward(sequences, adapter, false)
    const values = await this.#gpu.readF32(logps)
    return sequences.map((_, i) => [...values.subarray(offsets[i], offsets[i + 1])])
  }

  /**
   * As `measure`, with the token the model would have written in each place of the answer; for answers of which little is
   * predicted, since the last layer is computed for the rows that predict alone.
   * @throws {BatchError} for a sequence that does not fit the model.
   */
  async predict(sequences: readonly Sequence[], adapter?: ActiveAdapter): Promise<PredictedAnswer[]> {
    const { logps, argmax, offsets } = this.#forward(sequences, adapter, true)
    const [values, likeliest] = await Promise.all([this.#gpu.readF32(logps), this.#gpu.readU32(argmax)])
    return sequences.map((_, i) => ({
      logps: [...values.subarray(offsets[i], offsets[i + 1])],
      likeliest: [...likeliest.subarray(offsets[i], offsets[i + 1])],
    }))
  }

  release(): void {
    this.#workspace?.release()
    this.#workspace = undefined
  }

  #forward(sequences: readonly Sequence[], adapter: ActiveAdapter | undefined, answersAlone: boolean) {
    const { maxPositions, config } = this.#decoder
    const packed = packSequences(sequences, { ...this.#pack, maxPositions })
    const workspace = this.#fitting({
      tokens: packed.ids.length,
      answers: packed.targets.length,
      sequences: sequences.length,
      features: packed.features.length / config.hiddenSize,
    })
    const staged = this.#decoder.stage(workspace, packed, { answersAlone })
    return { ...this.#decoder.forward(workspace, staged, adapter, false), offsets: packed.offsets }
  }

  #fitting(needed: BatchRows): Workspace {
    const capacity = this.#workspace?.capacity
    const keys = Object.keys(needed) as (keyof BatchRows)[]
    if (this.#workspace && capacity && keys.every((key) => needed[key] <= capacity[key]))
      return this.#workspace
    this.release()
    const grown = (key: keyof BatchRows): number => Math.max(needed[key], capacity?.[key] ?? 0)
    this.#workspace = this.#decoder.workspace({
      tokens: grown('tokens'),
      answers: grown('answers'),
      sequences: grown('sequences'),
      features: grown('features'),
    })
    return this.#workspace
  }
}
