import { ShapeError } from './errors.ts'
import type { Grid } from './pacer.ts'
import type { CompiledKernel } from './pipelines.ts'
import { PARAMS_STRIDE } from './wgsl.ts'

/** Dispatches one submit may hold: their `Params` are uploaded with one `writeBuffer`. */
export const SLOTS = 512

/** The `Params` of a slice's dispatches: one uniform buffer, bound in group 1 at a dynamic offset. */
export class ParamsBlock {
  readonly layout: GPUBindGroupLayout
  readonly group: GPUBindGroup
  readonly #buffer: GPUBuffer
  readonly #bytes = new ArrayBuffer(SLOTS * PARAMS_STRIDE)
  readonly #view = new DataView(this.#bytes)
  #used = 0

  constructor(device: GPUDevice) {
    this.layout = device.createBindGroupLayout({
      label: 'params',
      entries: [{ binding: 0, visibility: 4, buffer: { type: 'uniform', hasDynamicOffset: true } }],
    })
    this.#buffer = device.createBuffer({
      label: 'params',
      size: this.#bytes.byteLength,
      usage: 0x40 | 0x08, // UNIFORM | COPY_DST
    })
    this.group = device.createBindGroup({
      label: 'params',
      layout: this.layout,
      entries: [{ binding: 0, resource: { buffer: this.#buffer, size: PARAMS_STRIDE } }],
    })
  }

  get isFull(): boolean {
    return this.#used === SLOTS
  }

  /** Takes the next slot. @returns its dynamic offset. */
  write(kernel: CompiledKernel, params: Readonly<Record<string, number>>, [x, y, z]: Grid): number {
    const base = this.#used++ * PARAMS_STRIDE
    const view = this.#view
    view.setUint32(base, x, true)
    view.setUint32(base + 4, y, true)
    view.setUint32(base + 8, z, true)
    for (const { name, type, offset } of kernel.params) {
      const value = params[name] as number // checkParams saw to it
      if (type === 'f32') view.setFloat32(base + offset, value, true)
      else if (type === 'i32') view.setInt32(base + offset, value, true)
      else view.setUint32(base + offset, value, true)
    }
    return base
  }

  /** Uploads the slots in use and starts over: the queue takes uploads and submits in order. */
  upload(queue: GPUQueue): void {
    if (this.#used > 0) queue.writeBuffer(this.#buffer, 0, this.#bytes, 0, this.#used * PARAMS_STRIDE)
    this.#used = 0
  }
}

const RANGES = { u32: [0, 0xffff_ffff], i32: [-0x8000_0000, 0x7fff_ffff] } as const

/** @throws {ShapeError} unless there is one value for each member of `Params`, and each fits its type. */
export function checkParams(kernel: CompiledKernel, params: Readonly<Record<string, number>>): void {
  for (const { name, type } of kernel.params) {
    const value = params[name]
    if (value === undefined || Number.isNaN(value)) {
      throw new ShapeError(`${kernel.label}: expected parameter ${name}: ${type}, got ${value}`)
    }
    if (type === 'f32') continue
    const [least, greatest] = RANGES[type]
    if (!Number.isInteger(value) || value < least || value > greatest) {
      throw new ShapeError(`${kernel.label}: expected parameter ${name}: ${type}, got ${value}`)
    }
  }
  const given = Object.keys(params)
  if (given.length !== kernel.params.length) {
    const known = kernel.params.map((field) => field.name)
    throw new ShapeError(`${kernel.label}: expected parameters ${known.join(', ')}; got ${given.join(', ')}`)
  }
}
