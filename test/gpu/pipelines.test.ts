import { afterEach, describe, expect, test, vi } from 'vitest'
import { KernelError } from '../../src/gpu/errors.ts'
import type { KernelSpec } from '../../src/gpu/pipelines.ts'
import { testGpu } from '../support/gpu.ts'
import { CHEAP, CHURN, SCALE } from '../support/shaders.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

async function errorOf(spec: KernelSpec): Promise<string> {
  const gpu = await testGpu()
  const error: unknown = await gpu.kernel(spec).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(KernelError)
  return (error as KernelError).message
}

/** The line of a text's first occurrence, counted from 1. */
function lineOf(source: string, text: string): number {
  return source.slice(0, source.indexOf(text)).split('\n').length
}

describe('a compile error is shown where it was written:', () => {
  test('in the shader itself', async () => {
    const source = SCALE.shader.source.replace('params.factor + ', 'params.factr + ')
    const message = await errorOf({ ...SCALE, shader: { path: 'shaders/test.wgsl', source } })
    expect(message).toMatch(/^test\.scale: does not compile\n/)
    expect(message).toMatch(new RegExp(`shaders/test\\.wgsl:${lineOf(source, 'factr')}:\\d+: `))
    expect(message).toContain('factr')
  })

  test('in the shader behind a prelude and common files', async () => {
    const source = SCALE.shader.source.replace('f32(params.shift)', 'offset_of(params.shift)')
    const common = [
      { path: 'shaders/common/first.wgsl', source: '// first\nconst ONE: u32 = 1u;\n' },
      { path: 'shaders/common/second.wgsl', source: 'fn offset_of(shift: i32) -> i32 { return shift; }' },
    ]
    const message = await errorOf({
      ...SCALE,
      shader: { path: 'shaders/test.wgsl', source },
      common,
      consts: { TILE_M: 4, TILE_N: 8 },
    })
    expect(message).toMatch(new RegExp(`shaders/test\\.wgsl:${lineOf(source, 'offset_of')}:`))
  })

  test.each([
    ['the first common file', 'first', 0],
    ['the second common file', 'second', 1],
  ])('in %s', async (_, name, index) => {
    const common = ['first', 'second'].map((stem, i) => ({
      path: `shaders/common/${stem}.wgsl`,
      source: i === index ? '// broken\n\nfn broken() -> f32 { return 1u; }\n' : '// fine\n',
    }))
    expect(await errorOf({ ...SCALE, common })).toContain(`shaders/common/${name}.wgsl:3:`)
  })

  test('in the prelude', async () => {
    expect(await errorOf({ ...SCALE, consts: { 'not-a-name': 1 } })).toContain('prelude:1:')
  })
})

describe('refused, naming the kernel:', () => {
  test('an entry point that is not there', async () => {
    expect(await errorOf({ ...SCALE, entryPoint: 'backward' })).toBe(
      'test.scale: expected entry point backward in shaders/test.wgsl, found scale, churn',
    )
  })

  test('a shader that breaks the conventions', async () => {
    const source = SCALE.shader.source.replace('group_offset: vec3<u32>', 'offset: vec3<u32>')
    expect(await errorOf({ ...SCALE, shader: { path: 'shaders/test.wgsl', source } })).toContain(
      'test.scale: shaders/test.wgsl: expected Params to begin with group_offset',
    )
  })

  test('more storage buffers than every device has', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `b${i}`)
    const source = `struct Params { group_offset: vec3<u32> }
      @group(1) @binding(0) var<uniform> params: Params;
      ${names.map((n, i) => `@group(0) @binding(${i}) var<storage, read_write> ${n}: array<f32>;`).join('\n')}
      @compute @workgroup_size(1) fn main() { ${names.map((n) => `${n}[0] = 0.0;`).join(' ')} }`
    expect(
      await errorOf({ label: 'test.many', shader: { path: 'x.wgsl', source }, entryPoint: 'main' }),
    ).toBe('test.many: binds 9 storage buffers, at most 8 are portable')
  })

  test('an override constant that is not there', async () => {
    expect(await errorOf({ ...SCALE, overrides: { STEPZ: 2 } })).toMatch(
      /^test\.scale: the device refused the pipeline: [\s\S]*STEPZ/,
    )
  })
})

test('a kernel compiles once per shader, constants and label, also when asked for at the same time', async () => {
  const gpu = await testGpu()
  const compile = vi.spyOn(GPUDevice.prototype, 'createComputePipelineAsync')
  const spec = { ...CHURN, label: 'test.once' }
  await Promise.all([gpu.kernel(spec), gpu.kernel({ ...spec })])
  await gpu.kernel({ ...spec, shader: { ...spec.shader } })
  expect(compile).toHaveBeenCalledTimes(1)
  await gpu.kernel({ ...spec, overrides: { STEPS: 3 } })
  await gpu.kernel({ ...spec, consts: { TILE: 3 } })
  expect(compile).toHaveBeenCalledTimes(3)
  await gpu.kernel({ ...spec, shader: { ...spec.shader, source: `${spec.shader.source}\n` } })
  expect(compile).toHaveBeenCalledTimes(4)
})

test('a failed compilation is not kept', async () => {
  const gpu = await testGpu()
  const broken = { ...SCALE, label: 'test.broken', entryPoint: 'nowhere' }
  await expect(gpu.kernel(broken)).rejects.toThrow(KernelError)
  await expect(gpu.kernel({ ...broken, entryPoint: 'scale' })).resolves.toBeDefined()
})

test('override constants and generated constants reach the shader', async () => {
  const gpu = await testGpu()
  const host = Float32Array.from({ length: 280 }, (_, i) => (i + 1) / 400)
  const x = gpu.upload(host, [280], 'x')
  const y = gpu.tensor([280], 'y')
  const kernel = await gpu.kernel({ ...CHURN, overrides: { STEPS: 2 } })
  kernel.dispatch({ x, y }, { n: 280, factor: 0, shift: 0 }, [7, 5, 1], CHEAP)
  const map = (value: number): number => 3.7 * value * (1 - value)
  const result = await gpu.readF32(y)
  host.forEach((value, i) => {
    expect(result[i]).toBeCloseTo(map(map(value)), 5)
  })
  gpu.release(x, y)
})
