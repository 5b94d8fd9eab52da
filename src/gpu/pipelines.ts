import { MAX_STORAGE_BUFFERS } from './device.ts'
import { KernelError } from './errors.ts'
import { type ParamField, reflect, type ShaderInterface, type StorageBinding } from './wgsl.ts'

/** One file of WGSL. */
export interface ShaderFile {
  /** Path shown in error messages, such as `shaders/rmsnorm.wgsl`. */
  path: string
  source: string
}

/** Everything that determines one compiled entry point. */
export interface KernelSpec {
  /** Names the kernel in labels, errors and timings, such as `rmsnorm.forward`. */
  label: string
  shader: ShaderFile
  entryPoint: string
  /** Files put in front of the shader, in order. Default none. */
  common?: readonly ShaderFile[]
  /** WGSL `enable` extensions, such as `subgroups`. Default none. */
  enable?: readonly string[]
  /** Module-scope `const NAME: u32`, for sizes WGSL wants at compile time. Default none. */
  consts?: Readonly<Record<string, number>>
  /** Values of the shader's `override` constants. Default none. */
  overrides?: Readonly<Record<string, number>>
}

/** A compiled entry point and what a host must give it. */
export interface CompiledKernel {
  id: number
  label: string
  pipeline: GPUComputePipeline
  bindGroupLayout: GPUBindGroupLayout
  bindings: readonly StorageBinding[]
  params: readonly ParamField[]
}

interface AssembledShader {
  code: string
  /** Maps a line of the code, counted from 1, to the file and line it came from. */
  locate(line: number): string
}

/** Puts prelude, common files and shader together. */
export function assemble(spec: KernelSpec): AssembledShader {
  const prelude = [
    ...(spec.enable ?? []).map((name) => `enable ${name};`),
    // Teams of one subgroup leave loops together; the compiler cannot see that.
    ...(spec.enable?.includes('subgroups') ? ['diagnostic(off, subgroup_uniformity);'] : []),
    ...Object.entries(spec.consts ?? {}).map(([name, value]) => `const ${name}: u32 = ${value}u;`),
  ].join('\n')
  const files = [{ path: 'prelude', source: prelude }, ...(spec.common ?? []), spec.shader]
  const starts: { path: string; first: number }[] = []
  let line = 1
  for (const file of files) {
    starts.push({ path: file.path, first: line })
    line += file.source.split('\n').length
  }
  return {
    code: files.map((f) => f.source).join('\n'),
    locate: (n) => {
      const file = starts.findLast((s) => s.first <= n)
      return file ? `${file.path}:${n - file.first + 1}` : `line ${n}`
    },
  }
}

/** Compiles each entry point once per (shader, constants), asynchronously. */
export class PipelineCache {
  readonly #device: GPUDevice
  readonly #compiled = new Map<string, Promise<CompiledKernel>>()
  readonly #paramsLayout: GPUBindGroupLayout
  #nextId = 1

  /** @param paramsLayout layout of group 1, the `Params` uniform every kernel has. */
  constructor(device: GPUDevice, paramsLayout: GPUBindGroupLayout) {
    this.#device = device
    this.#paramsLayout = paramsLayout
  }

  /** @throws {KernelError} on a compile error, naming file and line. */
  get(spec: KernelSpec): Promise<CompiledKernel> {
    const key = JSON.stringify([
      spec.shader,
      spec.entryPoint,
      spec.common,
      spec.enable,
      spec.consts,
      spec.overrides,
      spec.label,
    ])
    let compiled = this.#compiled.get(key)
    if (!compiled) {
      compiled = this.#compile(spec)
      this.#compiled.set(key, compiled)
      compiled.catch(() => this.#compiled.delete(key))
    }
    return compiled
  }

  async #compile(spec: KernelSpec): Promise<CompiledKernel> {
    const { label } = spec
    const assembled = assemble(spec)
    const shader = reflectOrThrow(spec, assembled.code)
    const bindings = shader.entryPoints.get(spec.entryPoint)
    if (!bindings) {
      throw new KernelError(
        `${label}: expected entry point ${spec.entryPoint} in ${spec.shader.path}, found ${[...shader.entryPoints.keys()].join(', ')}`,
      )
    }
    if (bindings.length > MAX_STORAGE_BUFFERS) {
      throw new KernelError(
        `${label}: binds ${bindings.length} storage buffers, at most ${MAX_STORAGE_BUFFERS} are portable`,
      )
    }
    const device = this.#device
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ label, code: assembled.code })
    const scope = device.popErrorScope()
    const { messages } = await module.getCompilationInfo()
    const errors = messages.filter((m) => m.type === 'error')
    if (errors.length > 0) {
      const lines = errors.map((m) => `${assembled.locate(m.lineNum)}:${m.linePos}: ${m.message}`)
      throw new KernelError(`${label}: does not compile\n${lines.join('\n')}`)
    }
    const moduleError = await scope
    if (moduleError) throw new KernelError(`${label}: ${moduleError.message}`)
    device.pushErrorScope('validation')
    const bindGroupLayout = device.createBindGroupLayout({
      label,
      entries: bindings.map((b) => ({
        binding: b.binding,
        visibility: 4, // GPUShaderStage.COMPUTE
        buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' },
      })),
    })
    const layout = device.createPipelineLayout({
      label,
      bindGroupLayouts: [bindGroupLayout, this.#paramsLayout],
    })
    const layoutError = await device.popErrorScope()
    if (layoutError) throw new KernelError(`${label}: ${layoutError.message}`)
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout,
        compute: { module, entryPoint: spec.entryPoint, constants: { ...spec.overrides } },
      })
      return { id: this.#nextId++, label, pipeline, bindGroupLayout, bindings, params: shader.params }
    } catch (cause) {
      throw new KernelError(`${label}: the device refused the pipeline: ${String(cause)}`, { cause })
    }
  }
}

function reflectOrThrow(spec: KernelSpec, code: string): ShaderInterface {
  try {
    return reflect(code)
  } catch (cause) {
    throw new KernelError(`${spec.label}: ${spec.shader.path}: ${(cause as Error).message}`, { cause })
  }
}
