import { ShapeError } from './errors.ts'
import type { CompiledKernel } from './pipelines.ts'
import type { ErrorScopes } from './scopes.ts'
import type { Tensor } from './tensor.ts'

type TensorsByName = Readonly<Record<string, Tensor>>

const MAX_BIND_GROUPS = 20_000

/** Bind groups by kernel and tensors: a step that repeats finds all of its own here. */
export class BindGroupCache {
  readonly #device: GPUDevice
  readonly #scopes: ErrorScopes
  readonly #groups = new Map<string, GPUBindGroup>()

  constructor(device: GPUDevice, scopes: ErrorScopes) {
    this.#device = device
    this.#scopes = scopes
  }

  /** @throws {ShapeError} for a missing, unknown or stale tensor, or one that is written and bound twice. */
  get(kernel: CompiledKernel, tensors: TensorsByName): GPUBindGroup {
    let key = `${kernel.id}`
    for (const { name } of kernel.bindings) {
      const tensor = tensors[name]
      if (!tensor) throw new ShapeError(`${kernel.label}: expected buffer ${name}, got none`)
      assertLent(tensor, `${kernel.label}: ${name}`)
      key += `/${tensor.buffer.id}+${tensor.byteOffset}:${tensor.byteLength}`
    }
    const given = Object.keys(tensors)
    if (given.length !== kernel.bindings.length) {
      const known = kernel.bindings.map((b) => b.name)
      throw new ShapeError(`${kernel.label}: expected buffers ${known.join(', ')}; got ${given.join(', ')}`)
    }
    const cached = this.#groups.get(key)
    if (cached) return cached
    refuseAliases(kernel, tensors)
    const group = this.#scopes.guard(
      () => kernel.label,
      () =>
        this.#device.createBindGroup({
          label: kernel.label,
          layout: kernel.bindGroupLayout,
          entries: kernel.bindings.map(({ name, binding }) => ({
            binding,
            resource: resourceOf(tensors[name] as Tensor),
          })),
        }),
    )
    if (this.#groups.size >= MAX_BIND_GROUPS) this.#groups.clear()
    this.#groups.set(key, group)
    return group
  }

  /** Lets go of all buffers that bind groups hold. */
  clear(): void {
    this.#groups.clear()
  }
}

/** @throws {ShapeError} for a tensor whose buffer was given back and may by now be another's. */
export function assertLent(tensor: Tensor, what: string): void {
  if (tensor.buffer.isReleased) {
    throw new ShapeError(`${what}: expected a tensor in use, got ${tensor.label}, which was released`)
  }
}

/** The bytes a tensor's binding covers: rounded up to a vec4, which its buffer always has room for. */
function resourceOf(tensor: Tensor): GPUBufferBinding {
  const size = Math.min(
    Math.max(16, Math.ceil(tensor.byteLength / 16) * 16),
    tensor.buffer.capacity - tensor.byteOffset,
  )
  return { buffer: tensor.buffer.gpuBuffer, offset: tensor.byteOffset, size }
}

/** WebGPU forbids a buffer that is written to be bound a second time in the same dispatch. */
function refuseAliases(kernel: CompiledKernel, tensors: TensorsByName): void {
  for (const written of kernel.bindings) {
    if (written.access !== 'read_write') continue
    const tensor = tensors[written.name]
    const other = kernel.bindings.find(
      ({ name }) => name !== written.name && tensors[name]?.buffer.id === tensor?.buffer.id,
    )
    if (other) {
      throw new ShapeError(
        `${kernel.label}: expected ${written.name} and ${other.name} in different buffers, got both in ${tensor?.label}`,
      )
    }
  }
}
