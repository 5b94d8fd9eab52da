import { describe, expect, test } from 'vitest'
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js'
import { MAX_STORAGE_BUFFERS } from '../../src/gpu/device.ts'
import { reflect, stripComments } from '../../src/gpu/wgsl.ts'

const shaders = import.meta.glob<string>('../../shaders/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const common = import.meta.glob<string>('../../shaders/common/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
})
/** Shaders of the GPU room itself: no operation of a model. */
const room = import.meta.glob<string>('../../shaders/gpu/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const stems = (modules: Record<string, unknown>): string[] =>
  Object.keys(modules).map((path) => path.split('/').at(-1) ?? '')
const hosts = stems(import.meta.glob('../../src/kernels/*.ts'))
const references = stems(import.meta.glob('../reference/*.ts'))
const kernelTests = stems(import.meta.glob('../kernels/*.test.ts'))

/** `matmul.quads` and `matmul` are two files of one operation. */
const stemOf = (path: string): string => (path.split('/').at(-1) ?? '').split('.')[0] ?? ''

/** wgsl_reflect takes these legal names for an address space and an attribute where they begin an expression. */
const parse = (source: string): WgslReflect =>
  new WgslReflect(source.replace(/(?<!<)\b(workgroup|block)\b(?!>)/g, 'a_$1'))

interface Unit {
  text: string
  isEntry: boolean
}

/** Every function of some code with its attributes, signature and body. */
function functionsOf(code: string): Map<string, Unit> {
  const units = new Map<string, Unit>()
  const heads = [...code.matchAll(/((?:@\w+(?:\([^)]*\))?\s*)*)\bfn\s+(\w+)\s*\(/g)]
  heads.forEach((head, i) => {
    const text = code.slice(head.index, heads[i + 1]?.index)
    units.set(head[2] ?? '', { text, isEntry: text.startsWith('@compute') })
  })
  return units
}

/** The text of a function and of all it calls. */
function reachable(name: string, units: ReadonlyMap<string, Unit>, seen = new Set<string>()): string {
  if (seen.has(name)) return ''
  seen.add(name)
  const text = units.get(name)?.text ?? ''
  const called = [...text.matchAll(/\b(\w+)\s*\(/g)].map((m) => m[1] ?? '').filter((word) => units.has(word))
  return [text, ...called.map((callee) => reachable(callee, units, seen))].join('\n')
}

const files = Object.entries({ ...shaders, ...common, ...room }).map(([path, source]) => ({
  path: path.slice(path.indexOf('shaders/')),
  source,
}))
const operations = files.filter(({ path }) => !/\/(common|gpu)\//.test(path))
const commonSource = Object.values(common).join('\n')

test('there are shaders to look at', () => {
  expect(operations.length).toBeGreaterThan(10)
  expect(files.length).toBeGreaterThan(operations.length)
})

describe.each(files)('$path', ({ source }) => {
  const code = stripComments(source)

  test('begins with a comment that says what it is', () => {
    expect(source).toMatch(/^\/\/ \w/)
  })

  const found = (pattern: RegExp): string[] => Array.from(code.matchAll(pattern), ([match]) => match)

  test('has no built-in that would change where the host cuts a grid', () => {
    expect(found(/global_invocation_id|num_workgroups/g)).toEqual([])
  })

  test('repeats bit for bit: no atomic but on whole numbers, where order does not matter', () => {
    expect(found(/\batomic(Exchange|CompareExchangeWeak)\b|\batomic<(?![ui]32>)/g)).toEqual([])
  })

  test('holds finite numbers only', () => {
    expect(found(/bitcast<f32>\(\s*0x[7f]f8|\binf(inity)?\b/gi)).toEqual([])
    const literals = found(/(?<![\w.])\d[\d.]*(e[+-]?\d+)?/gi)
    expect(literals.filter((literal) => !Number.isFinite(Math.fround(Number.parseFloat(literal))))).toEqual(
      [],
    )
  })

  test('leaves `enable` and `diagnostic` to the generated prelude', () => {
    expect(found(/^\s*(enable|requires|diagnostic)\b/gm)).toEqual([])
  })
})

describe.each(operations)('$path', ({ path, source: own }) => {
  // An operation in several files may declare its parameters in the common file of its stem.
  const shared = files.find((file) => file.path === `shaders/common/${stemOf(path)}.wgsl`)?.source ?? ''
  const source = own.includes('struct Params') ? own : own + shared
  const code = stripComments(source)
  const units = functionsOf(code)
  const entries = [...units].filter(([, unit]) => unit.isEntry).map(([name]) => name)

  test('says in its header what a workgroup, team or invocation computes', () => {
    const header = own.slice(0, own.search(/^(?!\/\/)/m))
    expect(header).toMatch(/workgroup|invocation|team/i)
  })

  test('has its host, its reference and their tests', () => {
    const stem = stemOf(path)
    expect(hosts).toContain(`${stem}.ts`)
    expect(references).toContain(`${stem}.ts`)
    expect(references).toContain(`${stem}.test.ts`)
    expect(kernelTests).toContain(`${stem}.test.ts`)
  })

  test('every entry point counts its workgroups from params.group_offset, or runs as one workgroup', () => {
    expect(entries.length).toBeGreaterThan(0)
    for (const name of entries) {
      const counted = units.get(name)?.text.includes('@builtin(workgroup_id)')
      expect(reachable(name, units).includes('params.group_offset'), name).toBe(counted)
    }
  })

  test('declares storage buffers in group 0 and Params alone in group 1', () => {
    for (const [, group, kind] of code.matchAll(/@group\((\d+)\)\s*@binding\(\d+\)\s*var<(\w+)/g)) {
      expect(`${kind} in group ${group}`).toBe(
        kind === 'uniform' ? 'uniform in group 1' : 'storage in group 0',
      )
    }
    expect(code.match(/@group\(1\)/g)).toHaveLength(1)
  })

  test(`binds at most ${MAX_STORAGE_BUFFERS} storage buffers an entry point, those of common files counted`, () => {
    for (const [name, bindings] of reflect(`${commonSource}\n${own}`).entryPoints) {
      const numbers = new Set(bindings.map((b) => b.binding))
      expect(numbers.size, name).toBeLessThanOrEqual(MAX_STORAGE_BUFFERS)
    }
  })

  test('reads the same to our reflection and to wgsl_reflect', () => {
    const ours = reflect(source)
    const theirs = parse(source)
    expect(theirs.entry.compute.map((f) => f.name).sort()).toEqual([...ours.entryPoints.keys()].sort())
    for (const entry of theirs.entry.compute) {
      const expected = entry.resources
        .filter((r) => r.group === 0)
        .map((r) => ({ name: r.name, binding: r.binding, access: r.access === '' ? 'read' : r.access }))
        .sort((a, b) => a.binding - b.binding)
      expect(ours.entryPoints.get(entry.name), entry.name).toEqual(expected)
    }
    const members = theirs.structs.find((s) => s.name === 'Params')?.members ?? []
    expect(ours.params.map(({ name, type, offset }) => ({ name, type, offset }))).toEqual(
      members.slice(1).map(({ name, type, offset }) => ({ name, type: type.name, offset })),
    )
  })
})
