import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pack, unpack } from '../../src/store/packing.ts'

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0), // JSON has no -0
  fc.float32Array(),
  fc.uint8Array(),
  fc.int32Array(),
  fc.float64Array(),
  fc.uint16Array({ minLength: 3 }).map((array) => array.subarray(1, 2)),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith('\u0000')),
      tie('value'),
    ),
  ),
}))

test('what is packed comes back as it went', () => {
  fc.assert(
    fc.property(value, (given) => {
      expect(unpack(pack(given))).toEqual(given)
    }),
  )
})

test('typed arrays come back bit for bit, NaN too, each with a buffer of its own', () => {
  const given = { a: Float32Array.of(Number.NaN, -0, Infinity), b: [Uint8Array.of(1, 2, 3)] }
  const back = unpack(pack(given)) as typeof given
  expect(back).toEqual(given)
  expect(Object.is(back.a[1], -0)).toBe(true)
  expect(back.a.buffer.byteLength).toBe(12)
  expect(back.b[0]?.buffer).not.toBe(back.a.buffer)
})

test('undefined properties are left out, as JSON has it', () => {
  expect(unpack(pack({ a: undefined, b: 1 }))).toEqual({ b: 1 })
  expect(Object.keys(unpack(pack({ a: undefined })) as object)).toEqual([])
})

test.each([
  [
    { a: [1, Number.NaN] },
    'the value.a.1: expected JSON or a typed array, which come back as they went, got NaN',
  ],
  [{ a: Infinity }, 'got Infinity'],
  [undefined, 'the value: expected JSON'],
  [[undefined], 'the value.0'],
  [{ a: new Date(0) }, 'got Date'],
  [{ a: new Map() }, 'got Map'],
  [{ a: new Blob([]) }, 'got Blob'],
  [{ a: new BigInt64Array(1) }, 'got BigInt64Array'],
  [{ a: () => 1 }, 'the value.a'],
  [{ '\u0000part': 0 }, 'got a property of that name'],
])('%o is refused', (given, message) => {
  expect(() => pack(given)).toThrow(TypeError)
  expect(() => pack(given)).toThrow(message)
})

test('bytes that were cut off are refused', () => {
  const bytes = pack({ a: new Float32Array(8) })
  expect(() => unpack(bytes.slice(0, bytes.length - 4))).toThrow(RangeError)
})
