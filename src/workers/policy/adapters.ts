import type { Gpu } from '../../gpu/gpu.ts'
import { type AdapterLayout, AdapterTensors } from '../../models/decoder/adapter.ts'
import type { Decoder } from '../../models/decoder/decoder.ts'
import type { ActiveAdapter } from '../../models/decoder/linear.ts'
import { mergeAdapter } from '../../models/decoder/merge.ts'
import type { AdapterChoice } from '../policy.api.ts'

/** An adapter on the GPU, and how many jobs compute with it. */
interface Resident {
  readonly tensors: AdapterTensors
  /** It belongs to somebody who changes it: each job computes with a copy of it as it was when the job began. */
  readonly isLent: boolean
  users: number
  /** Set when nobody may choose it any more; called when nobody uses it any more. */
  onUnused: (() => void) | undefined
}

/** Several adapters on the GPU by name; one that is taken away while it is used goes when that use ends. */
export class ResidentAdapters {
  readonly #gpu: Gpu
  readonly #byName = new Map<string, Resident>()
  /** What was added to the weights, by name, with its strength. */
  readonly #merged = new Map<string, number>()

  constructor(gpu: Gpu) {
    this.#gpu = gpu
  }

  get names(): string[] {
    return [...this.#byName.keys()]
  }

  /** Names of the adapters that are part of the weights now. */
  get merged(): string[] {
    return [...this.#merged.keys()]
  }

  /** Puts an adapter on the GPU under a name; one that had the name before goes. */
  keep(name: string, layout: AdapterLayout, values: Float32Array<ArrayBuffer>): void {
    this.#refuseMerged(name)
    const tensors = new AdapterTensors(this.#gpu, layout, `adapter.${name}`)
    this.#gpu.stream.write(tensors.flat, values)
    this.#add(name, tensors, false)
  }

  /** Lets an adapter that its owner goes on changing be used under a name, until `withdraw`. */
  lend(name: string, tensors: AdapterTensors): void {
    this.#refuseMerged(name)
    this.#add(name, tensors, true)
  }

  /** Ends a loan, so that the owner may free the adapter. */
  withdraw(name: string, tensors: AdapterTensors): void {
    if (this.#byName.get(name)?.tensors === tensors) this.#byName.delete(name)
  }

  /** Takes an adapter away and frees it. @throws {Error} when there is none of this name, or it is merged. */
  remove(name: string): void {
    const resident = this.#find(name)
    this.#refuseMerged(name)
    this.#byName.delete(name)
    if (resident.isLent) return
    const free = (): void => this.#gpu.release(resident.tensors.flat)
    if (resident.users === 0) free()
    else resident.onUnused = free
  }

  /**
   * Does something with the adapter that a call chose.
   * @throws {RangeError} for a strength that is no number, {Error} for a name that is not resident.
   */
  async use<T>(
    { adapter: name, strength = 1 }: AdapterChoice,
    work: (active: ActiveAdapter | undefined) => Promise<T>,
  ): Promise<T> {
    if (!Number.isFinite(strength)) throw new RangeError(`strength: expected a number, got ${strength}`)
    if (name === undefined) return await work(undefined)
    const resident = this.#find(name)
    if (resident.isLent) return await this.#useCopy(resident.tensors, (params) => work({ params, strength }))
    resident.users++
    try {
      return await work({ params: resident.tensors, strength })
    } finally {
      resident.users--
      if (resident.users === 0) resident.onUnused?.()
    }
  }

  /**
   * Adds an adapter to a decoder's weights.
   * @throws {AdapterError} for weights that cannot be added to, {Error} when it is merged already or not resident.
   */
  merge(decoder: Decoder, name: string, strength: number): void {
    if (!Number.isFinite(strength)) throw new RangeError(`strength: expected a number, got ${strength}`)
    const { tensors } = this.#find(name)
    this.#refuseMerged(name)
    mergeAdapter(decoder, tensors, strength)
    this.#merged.set(name, strength)
  }

  /** Subtracts what `merge` added; equal to the weights before but for rounding. @throws {Error} when it is not merged. */
  unmerge(decoder: Decoder, name: string): void {
    const strength = this.#merged.get(name)
    if (strength === undefined)
      throw new Error(`adapter ${name}: expected one of the merged adapters (${listed(this.merged)})`)
    mergeAdapter(decoder, this.#find(name).tensors, -strength)
    this.#merged.delete(name)
  }

  /** Frees all adapters, at once: nobody may be using one. */
  clear(): void {
    this.#merged.clear()
    for (const name of this.names) this.remove(name)
  }

  #add(name: string, tensors: AdapterTensors, isLent: boolean): void {
    if (this.#byName.has(name)) this.remove(name)
    this.#byName.set(name, { tensors, isLent, users: 0, onUnused: undefined })
  }

  async #useCopy<T>(tensors: AdapterTensors, work: (copy: AdapterTensors) => Promise<T>): Promise<T> {
    const copy = new AdapterTensors(this.#gpu, tensors.layout, 'adapter.copy')
    try {
      this.#gpu.stream.copy(tensors.flat, copy.flat)
      return await work(copy)
    } finally {
      this.#gpu.release(copy.flat)
    }
  }

  #find(name: string): Resident {
    const resident = this.#byName.get(name)
    if (resident) return resident
    throw new Error(`adapter ${name}: expected one of the resident adapters (${listed(this.names)})`)
  }

  #refuseMerged(name: string): void {
    if (this.#merged.has(name))
      throw new Error(`adapter ${name}: expected one that is not merged; unmerge it first`)
  }
}

function listed(names: readonly string[]): string {
  return names.join(', ') || 'none'
}
