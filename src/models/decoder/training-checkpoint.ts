import type { ByteSource } from '../../data/bytes.ts'
import {
  readSafetensorsHeader,
  SafetensorsError,
  type TensorToWrite,
  writeSafetensors,
} from '../../data/safetensors.ts'
import type { TrainerState } from './trainer.ts'

/** What determined a run, by name, as text: settings and hashes. Two runs with the same continue each other. */
export type RunKey = Readonly<Record<string, string>>

/** A checkpoint does not belong to the run that is to be continued; the message says what differs. */
export class ResumeError extends Error {
  override readonly name = 'ResumeError'
}

const VERSION = 1
const ARRAYS = ['params', 'expAvg', 'expAvgSq', 'referenceLogps'] as const

/** A trainer's state as one safetensors file, together with what determined the run. */
export function writeTrainingCheckpoint(state: TrainerState, run: RunKey): Uint8Array<ArrayBuffer> {
  const info = new TextEncoder().encode(
    JSON.stringify({ version: VERSION, step: state.step, numTokens: state.numTokens, run }),
  )
  const tensors = new Map<string, TensorToWrite>()
  for (const name of ARRAYS) {
    const values = state[name]
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    tensors.set(name, { dtype: 'F32', shape: [values.length], bytes })
  }
  tensors.set('info', { dtype: 'U8', shape: [info.length], bytes: info }) // last: it need not be a multiple of 4 bytes
  return writeSafetensors(tensors)
}

/**
 * Reads a trainer's state to continue a run.
 * @throws {ResumeError} when it was saved by another run, naming what differs.
 * @throws {SafetensorsError} when the file is damaged or no checkpoint.
 */
export async function readTrainingCheckpoint(
  source: ByteSource,
  run: RunKey,
  signal?: AbortSignal,
): Promise<TrainerState> {
  const entries = new Map((await readSafetensorsHeader(source, signal)).map((entry) => [entry.name, entry]))
  const read = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = entries.get(name)
    if (!entry)
      throw new SafetensorsError(
        `${source.name}: expected ${name}, found none; is this a training checkpoint?`,
      )
    return (await source.read(entry.start, entry.end, signal)).slice()
  }
  const floats = async (name: string) => new Float32Array((await read(name)).buffer)
  const info = JSON.parse(new TextDecoder().decode(await read('info'))) as {
    version: number
    step: number
    numTokens: number
    run: RunKey
  }
  if (info.version !== VERSION) {
    throw new ResumeError(`${source.name}: expected a checkpoint of version ${VERSION}, got ${info.version}`)
  }
  const names = new Set([...Object.keys(run), ...Object.keys(info.run)])
  const different = [...names].filter((name) => run[name] !== info.run[name])
  if (different.length > 0) {
    throw new ResumeError(
      `${source.name} was saved by another run: it differs in ${different.join(', ')}. ` +
        'Continue with what it was started with, or remove it to start anew',
    )
  }
  return {
    step: info.step,
    numTokens: info.numTokens,
    params: await floats('params'),
    expAvg: await floats('expAvg'),
    expAvgSq: await floats('expAvgSq'),
    referenceLogps: await floats('referenceLogps'),
  }
}
