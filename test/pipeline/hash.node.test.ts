import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, jsonHash, type StageInputs, stageHash } from '../../src/pipeline/hash.ts'

/** Of one to four bytes, and those JSON escapes. */
const LETTERS = fc.constantFrom('a', 'b', '1', 'é', '€', '😀', '"', '\\', '\n', '\u2028', '\0')

/** The same value with the properties of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reordered(item)]),
  )
}

test('the order of properties does not matter, and everything else does', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: LETTERS, maxDepth: 3 }), (value) => {
      const text = canonicalJson(value)
      expect(canonicalJson(reordered(value))).toBe(text)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(JSON.parse(text))).toBe(text)
    }),
  )
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (a, b) => {
      const areEqual = canonicalJson(a) === canonicalJson(b)
      expect(areEqual).toBe(JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)))
    }),
  )
})

/** Another way to the same form, through insertion order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [`_${key}`, sorted(item)] as const) // no integer-like keys
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

test('the form is that of RFC 8785', () => {
  expect(canonicalJson({ b: [1e21, 0.1, -0, 1e-7], a: { '10': 'é\n', '9': null, '': true } })).toBe(
    '{"a":{"":true,"10":"é\\n","9":null},"b":[1e+21,0.1,0,1e-7]}',
  )
})

test('lone surrogates, as datasets have them, stay apart', async () => {
  expect(canonicalJson({ '\udfff': '\ud800' })).toBe('{"\\udfff":"\\ud800"}')
  expect(await jsonHash('\ud800')).not.toBe(await jsonHash('\ud801'))
})

test.each([
  [{ a: undefined }, 'the value.a: expected JSON, got undefined'],
  [{ a: [1, { b: Number.NaN }] }, 'the value.a.1.b: expected JSON, got NaN'],
  [[-Infinity], 'the value.0: expected JSON, got -Infinity'],
  [new Date(0), 'the value: expected JSON, got Date'],
  [{ a: Float32Array.of(1) }, 'got Float32Array'],
  [{ a: 1n }, 'got 1'],
  [new Array(2), 'the value.0: expected JSON, got undefined'],
])('%o is refused', (value, message) => {
  expect(() => canonicalJson(value)).toThrow(TypeError)
  expect(() => canonicalJson(value)).toThrow(message)
})

test('a stage’s hash changes with each of its inputs', async () => {
  const given: StageInputs = {
    stage: 'score',
    version: 1,
    settings: { scorer: 'clip' },
    inputs: { captions: 'a' },
  }
  const hash = await stageHash(given)
  expect(hash).toBe(
    createHash('sha256')
      .update('{"inputs":{"captions":"a"},"settings":{"scorer":"clip"},"stage":"score","version":1}')
      .digest('hex'),
  )
  const others: StageInputs[] = [
    { ...given, stage: 'pair' },
    { ...given, version: 2 },
    { ...given, settings: { scorer: 'f-clip' } },
    { ...given, inputs: { captions: 'b' } },
  ]
  const hashes = await Promise.all([given, ...others].map(stageHash))
  expect(new Set(hashes).size).toBe(5)
  expect(await jsonHash('é')).toBe(createHash('sha256').update('"é"').digest('hex'))
})
