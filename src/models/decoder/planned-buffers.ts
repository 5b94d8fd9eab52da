import { loraThinShape } from '../../kernels/lora.calls.ts'
import type { DecoderConfig } from '../config.ts'
import type { AdapterLayout } from './adapter.ts'

/** What memory is for, in the order of the table. */
export const MEMORY_USES = ['weights', 'activations', 'optimiser', 'cache', 'staging'] as const
export type MemoryUse = (typeof MEMORY_USES)[number]

/** A buffer that will be made. */
export interface PlannedBuffer {
  readonly use: MemoryUse
  readonly label: string
  /** Bytes asked for; the arena rounds them up. */
  readonly bytes: number
}

/** Floats of a token of each tensor a layer leaves behind. */
export function keptWidths(config: DecoderConfig, layout: AdapterLayout | undefined): Record<string, number> {
  const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim, qkNorm } = config
  const [queryCols, keyCols] = [numHeads * headDim, numKvHeads * headDim]
  const widths: Record<string, number> = {
    normed: hiddenSize,
    rstd: 1,
    q: queryCols,
    k: keyCols,
    v: keyCols,
    attended: queryCols,
    lse: numHeads,
    middle: hiddenSize,
    postNormed: hiddenSize,
    postRstd: 1,
    gate: intermediateSize,
    up: intermediateSize,
    activated: intermediateSize,
  }
  if (qkNorm)
    Object.assign(widths, { qLinear: queryCols, kLinear: keyCols, qRstd: numHeads, kRstd: numKvHeads })
  for (const name of adaptedNames(layout)) widths[`${name}.xa`] = thinWidth(layout)
  return widths
}

/** What every pass over T tokens takes beside what its layers keep. */
export function passWidths(config: DecoderConfig): Record<string, number> {
  const { hiddenSize, numHeads, numKvHeads, headDim, qkNorm } = config
  const queryCols = numHeads * headDim
  return qkNorm
    ? { branch: hiddenSize, 'head.normed': queryCols }
    : { branch: hiddenSize, 'linear.q': queryCols, 'linear.k': numKvHeads * headDim }
}

export function adaptedNames(layout: AdapterLayout | undefined): Set<string> {
  return new Set(layout?.slots.map(({ name }) => name))
}

export function thinWidth(layout: AdapterLayout | undefined): number {
  return loraThinShape(1, layout?.config.r ?? 0)[1]
}
