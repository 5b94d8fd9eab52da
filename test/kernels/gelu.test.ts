import { describe, expect, test } from 'vitest'
import { createGelu, type GeluForm } from '../../src/kernels/gelu.ts'
import { geluBackward, geluForward } from '../reference/gelu.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

async function run(form: GeluForm, values: Float32Array<ArrayBuffer>, cotangent: Float32Array<ArrayBuffer>) {
  const gpu = await testGpu()
  const gelu = await createGelu(gpu, { form })
  const shape = [values.length]
  const x = gpu.upload(values, shape, 'x')
  const dout = gpu.upload(cotangent, shape, 'dout')
  const y = poisoned(gpu, shape, 'y')
  const dinp = poisoned(gpu, shape, 'dinp')
  gelu.forward({ x, y })
  for (let pass = 0; pass < 2; pass++) gelu.backward({ x, dout, dinp })
  const result = { y: await gpu.readF32(y), dinp: await gpu.readF32(dinp) }
  gpu.release(x, dout, y, dinp)
  return result
}

describe.each(['erf', 'tanh', 'quick'] as const)('gelu, %s', (form) => {
  test.each([1, 7, 33 * 65, 65 * 768])('%i elements agree with float64', async (size) => {
    const random = new Random(size)
    const x = random.normals(size, 2)
    const dout = random.normals(size)
    const result = await run(form, x, dout)
    expectClose(result.y, geluForward(x, form), 'activation', 'y')
    expectClose(result.dinp, geluBackward(x, form, dout), 'activation', 'dinp')
  })

  test('is within 1e-6 everywhere, and finite far from zero', async () => {
    const x = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) / 200)
    x.set([-1e4, -100, 100, 1e4], 0)
    const { y, dinp } = await run(form, x, new Float32Array(x.length).fill(1))
    const expected = {
      y: geluForward(x, form),
      dinp: geluBackward(x, form, new Float32Array(x.length).fill(1)),
    }
    for (let i = 0; i < x.length; i++) {
      const bound = 1e-6 * Math.max(1, Math.abs(x[i] ?? 0))
      expect(Math.abs((y[i] ?? Number.NaN) - (expected.y[i] ?? 0)), `y at ${x[i]}`).toBeLessThan(bound)
      expect(Math.abs((dinp[i] ?? Number.NaN) - (expected.dinp[i] ?? 0)), `dinp at ${x[i]}`).toBeLessThan(
        bound,
      )
    }
  })

  test('repeats bit for bit', async () => {
    const random = new Random(6)
    const [x, dout] = [random.normals(333), random.normals(333)]
    expect(await run(form, x, dout)).toEqual(await run(form, x, dout))
  })
})

test('negative control: another form is seen', async () => {
  const random = new Random(7)
  const [x, dout] = [random.normals(333, 2), random.normals(333)]
  const { y, dinp } = await run('tanh', x, dout)
  expect(relativeError(y, geluForward(x, 'erf'))).toBeGreaterThan(TOLERANCES.activation)
  expect(relativeError(dinp, geluBackward(x, 'erf', dout))).toBeGreaterThan(TOLERANCES.activation)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const gelu = await createGelu(gpu, { form: 'erf' })
  const x = zeros(gpu, [4, 8], 'x')
  const y = zeros(gpu, [8, 4], 'y')
  expect(() => gelu.forward({ x, y })).toThrow('gelu.forward: expected y (4, 8), got (8, 4)')
  gpu.release(x, y)
})
