import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { violations } from './support/architecture.ts'

function sourcesUnder(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const paths = names
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((p) => p.endsWith('.ts'))
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}

test('the house keeps its arrows and has no cycles', { timeout: 60_000 }, () => {
  const sources = sourcesUnder('src')
  expect(sources.size).toBeGreaterThan(10)
  expect(violations(sources)).toEqual([])
})

/** A small house in order, to which each test below adds one wrong thing. */
const TIDY: Readonly<Record<string, string>> = {
  'src/gpu/gpu.ts': 'export const gpu = globalThis.navigator?.gpu',
  'src/gpu/doctor.ts': "export { gpu } from './gpu.ts'",
  'src/kernels/x.ts':
    "import source from '../../shaders/x.wgsl?raw'\nimport { gpu } from '../gpu/gpu.ts'\nexport const x = [source, gpu]",
  'src/method/pairs.ts':
    "export const document = { window: 1 }.window\nexport type Gap = import('valibot').Issue",
  'src/models/decoder.ts':
    "import { x } from '../kernels/x.ts'\nexport const decoder = [x]\nexport interface Size { width: number }",
  'src/workers/policy.api.ts': "import type { Size } from '../models/decoder.ts'\nexport type Policy = Size",
  'src/workers/policy.worker.ts':
    "import { expose } from 'comlink'\nimport { session } from './policy/session.ts'\nexpose(session)",
  'src/workers/policy/session.ts':
    "import { decoder } from '../../models/decoder.ts'\nexport const session = decoder",
  'src/pipeline/client.ts':
    "import { wrap } from 'comlink'\nexport const policy = wrap(new Worker(new URL('../workers/policy.worker.ts', import.meta.url)))",
  'src/pipeline/run.ts': "import { policy } from './client.ts'\nexport const run = policy",
  'src/store/store.ts': "import { get } from 'idb-keyval'\nexport const store = [get, indexedDB]",
  'src/ui/page.ts':
    "import { run } from '../pipeline/run.ts'\nimport '../gpu/doctor.ts'\ndocument.title = String(run)",
  'src/cli/main.ts':
    "import 'node:fs'\nimport type { gpu } from '../gpu/doctor.ts'\nexport type Gpu = typeof gpu",
}

function violationsWith(path: string, source: string): string[] {
  return violations(new Map(Object.entries({ ...TIDY, [path]: source })))
}

test('a tidy house has no violations', () => {
  expect(violations(new Map(Object.entries(TIDY)))).toEqual([])
})

describe('negative controls: seen is', () => {
  test.each([
    [
      'gpu on kernels',
      'src/gpu/a.ts',
      "import '../kernels/x.ts'",
      'src/gpu/a.ts (gpu) may not import src/kernels/x.ts (kernels)',
    ],
    [
      'ui on kernels',
      'src/ui/a.ts',
      "import { x } from '../kernels/x.ts'",
      'src/ui/a.ts (ui) may not import src/kernels/x.ts (kernels)',
    ],
    [
      'pipeline on models',
      'src/pipeline/a.ts',
      "export * from '../models/decoder.ts'",
      'may not import src/models/decoder.ts',
    ],
    [
      'pipeline on models, when needed',
      'src/pipeline/a.ts',
      "const m = await import('../models/decoder.ts')",
      'may not import src/models/decoder.ts',
    ],
    [
      'an api on models, but for types',
      'src/workers/a.api.ts',
      "import { decoder } from '../models/decoder.ts'",
      'may not import src/models/decoder.ts',
    ],
    [
      "a worker's parts in the pipeline",
      'src/pipeline/a.ts',
      "import { session } from '../workers/policy/session.ts'",
      'may not import src/workers/policy/session.ts (workerParts)',
    ],
    [
      'cli on the GPU, but for types',
      'src/cli/a.ts',
      "import { gpu } from '../gpu/doctor.ts'",
      'may not import src/gpu/doctor.ts',
    ],
    [
      'method on the GPU, even for types',
      'src/method/a.ts',
      "import type { gpu } from '../gpu/gpu.ts'",
      'may not import src/gpu/gpu.ts',
    ],
    [
      'method on the GPU, by a type in passing',
      'src/method/a.ts',
      "export type G = import('../gpu/gpu.ts').Gpu",
      'may not import src/gpu/gpu.ts',
    ],
    [
      'a shader outside kernels',
      'src/models/a.ts',
      "import s from '../../shaders/x.wgsl?raw'",
      'may not import shaders/x.wgsl (shaders)',
    ],
    [
      'a test',
      'src/data/a.ts',
      "import '../../test/support/random.ts'",
      'may not import test/support/random.ts (outside)',
    ],
    [
      'a worker started from the page',
      'src/ui/a.ts',
      "new Worker(new URL('../workers/policy.worker.ts', import.meta.url))",
      'may not import src/workers/policy.worker.ts (worker)',
    ],
    [
      'comlink in the page',
      'src/ui/a.ts',
      "import { wrap } from 'comlink'",
      'src/ui/a.ts may not import comlink',
    ],
    [
      'comlink in a second client',
      'src/pipeline/a.ts',
      "import { wrap } from 'comlink'",
      'src/pipeline/a.ts may not import comlink',
    ],
    [
      'charts outside the page',
      'src/pipeline/a.ts',
      "import { plot } from '@observablehq/plot'",
      'may not import @observablehq/plot',
    ],
    [
      'idb-keyval outside the store',
      'src/pipeline/a.ts',
      "import { get } from 'idb-keyval'",
      'may not import idb-keyval',
    ],
    [
      'Node outside the command line',
      'src/data/a.ts',
      "import { readFile } from 'node:fs/promises'",
      'may not import node:fs',
    ],
    ['navigator.gpu outside gpu', 'src/kernels/a.ts', 'const a = navigator.gpu', 'may not use navigator.gpu'],
    [
      'navigator.gpu through globalThis',
      'src/models/a.ts',
      'const a = globalThis.navigator?.gpu',
      'may not use navigator.gpu',
    ],
    ['navigator.gpu by index', 'src/models/a.ts', "const a = navigator['gpu']", 'may not use navigator.gpu'],
    [
      'navigator.gpu taken apart',
      'src/models/a.ts',
      'const { gpu } = navigator',
      'may not use navigator.gpu',
    ],
    ['indexedDB outside the store', 'src/ui/a.ts', 'globalThis.indexedDB.open("a")', 'may not use indexedDB'],
    [
      'Web Locks outside the store',
      'src/pipeline/a.ts',
      'await navigator.locks.query()',
      'may not use navigator.locks',
    ],
    [
      'the DOM in data',
      'src/data/a.ts',
      'export const a = () => document.title',
      'src/data/a.ts (data) is pure and may not use document',
    ],
    [
      'a GPU type in evaluate',
      'src/evaluate/a.ts',
      'export type A = GPUBuffer',
      'is pure and may not use GPUBuffer',
    ],
    ['a folder that is no room', 'src/utils/a.ts', '', 'src/utils/a.ts is in no room of the house'],
  ])('%s', (_, path, source, message) => {
    const found = violationsWith(path, source)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })

  test('a cycle of three, through a type and a re-export', () => {
    const house = {
      'src/data/a.ts': "export { b } from './b.ts'",
      'src/data/b.ts': "import type { C } from './c.ts'\nexport const b = 1",
      'src/data/c.ts': "import { b } from './a.ts'\nexport type C = typeof b",
    }
    expect(violations(new Map(Object.entries(house)))).toEqual([
      'cycle: src/data/a.ts -> src/data/b.ts -> src/data/c.ts -> src/data/a.ts',
    ])
  })
})
