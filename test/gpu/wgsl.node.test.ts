import { describe, expect, test } from 'vitest'
import { reflect, stripComments } from '../../src/gpu/wgsl.ts'

const HEADER = `
struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  shift: i32, // signed
  eps: f32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
`

function bindingsOf(body: string, entryPoint = 'main'): string[] {
  return (reflect(HEADER + body).entryPoints.get(entryPoint) ?? []).map((b) => b.name)
}

const entry = (body: string): string =>
  `@compute @workgroup_size(64, 1) fn main(@builtin(workgroup_id) group: vec3<u32>) { ${body} }`

describe('what an entry point binds', () => {
  test('buffers it names, in order of binding, with their access', () => {
    const shader = reflect(HEADER + entry('out[0] = x[0];'))
    expect(shader.entryPoints.get('main')).toEqual([
      { name: 'x', binding: 0, access: 'read' },
      { name: 'out', binding: 2, access: 'read_write' },
    ])
  })

  test('buffers of functions it calls, through several calls, and of no others', () => {
    const helpers =
      'fn a() -> f32 { return b(); } fn b() -> f32 { return y[0]; } fn c() -> f32 { return x[0]; }'
    expect(bindingsOf(helpers + entry('out[0] = a();'))).toEqual(['y', 'out'])
  })

  test.each([
    ['a member of a vector', 'out[0] = f32(group.x + group.y);'],
    ['a local variable of the same name', 'let x = 1.0; out[0] = x;'],
    ['a loop variable of the same name', 'for (var x = 0u; x < 4u; x++) { out[x] = 0.0; }'],
    ['a comment', 'out[0] = 0.0; // not x, not y\n/* x[0] */'],
    ['the suffix of a number', 'out[0] = 1e-3f;'],
  ])('is not fooled by %s', (_, body) => {
    expect(bindingsOf(entry(body))).toEqual(['out'])
  })

  test('is not fooled by a parameter of the same name in a function it calls', () => {
    expect(bindingsOf(`fn twice(x: f32) -> f32 { return x + x; }${entry('out[0] = twice(1.0);')}`)).toEqual([
      'out',
    ])
  })

  test.each([
    ['in the declaration that shadows it', 'let x = x[0]; out[0] = x;'],
    ['after the block of a local of its name', '{ let x = 1.0; out[0] = x; } out[1] = x[0];'],
    [
      'after the loop over a variable of its name',
      'for (var x = 0u; x < 4u; x++) { out[x] = 0.0; } out[1] = x[0];',
    ],
  ])('sees a buffer used %s', (_, body) => {
    expect(bindingsOf(entry(body))).toEqual(['x', 'out'])
  })
})

describe('Params', () => {
  test('scalars lie one after another behind group_offset', () => {
    expect(reflect(HEADER).params).toEqual([
      { name: 'rows', type: 'u32', offset: 12 },
      { name: 'shift', type: 'i32', offset: 16 },
      { name: 'eps', type: 'f32', offset: 20 },
    ])
    expect(reflect(HEADER).paramsByteLength).toBe(32)
  })

  test.each([
    ['no struct', '', 'found none'],
    [
      'another first member',
      'struct Params { rows: u32 }',
      'begin with group_offset: vec3<u32>, got rows: u32',
    ],
    [
      'a vector',
      'struct Params { group_offset: vec3<u32>, a: vec4<f32> }',
      'Params.a to be u32, i32 or f32, got vec4<f32>',
    ],
    [
      'too many',
      `struct Params { group_offset: vec3<u32>, ${Array.from({ length: 62 }, (_, i) => `p${i}: u32,`).join(' ')} }`,
      'takes 272 bytes, at most 256 fit',
    ],
  ])('%s is refused', (_, source, message) => {
    expect(() => reflect(source)).toThrow(message)
  })
})

test('comments go, line numbers stay', () => {
  expect(stripComments('a /* b\n c */ d // e\nf').split('\n')).toHaveLength(3)
  expect(stripComments('a /* b\n c */ d // e\nf')).not.toMatch(/[bce]/)
})
