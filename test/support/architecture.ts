import { type ModuleFacts, readModule } from './modules.ts'

/** A part of `src/` and what it may use. */
interface Room {
  /** Rooms it may import from, besides itself. */
  may: readonly string[]
  /** Rooms it may import types from, in addition. */
  mayTypes?: readonly string[]
  /** Needs neither GPU nor DOM: it runs anywhere JavaScript does. */
  isPure?: true
}

/** HOUSE rules: ui, cli -> pipeline -> workers' api; inside workers models -> kernels -> gpu. */
const ROOMS: Readonly<Record<string, Room>> = {
  gpu: { may: ['shaders'] },
  doctor: { may: ['gpu'] },
  kernels: { may: ['gpu', 'shaders', 'method'] },
  method: { may: [], isPure: true },
  data: { may: ['method'], isPure: true },
  evaluate: { may: ['method', 'data'], isPure: true },
  models: { may: ['kernels', 'gpu', 'method', 'data'] },
  store: { may: ['method', 'data'] },
  worker: {
    may: [
      'workerParts',
      'workers',
      'models',
      'kernels',
      'gpu',
      'doctor',
      'method',
      'data',
      'evaluate',
      'store',
    ],
  },
  workerParts: {
    may: ['workers', 'models', 'kernels', 'gpu', 'doctor', 'method', 'data', 'evaluate', 'store'],
  },
  workers: { may: ['method', 'data', 'evaluate'], mayTypes: ['models', 'gpu', 'doctor', 'worker'] },
  offline: { may: [] },
  pipeline: {
    may: ['workers', 'worker', 'runner', 'method', 'data', 'evaluate', 'store'],
    mayTypes: ['doctor'],
  },
  runner: { may: ['pipeline', 'workers', 'method', 'data', 'evaluate', 'store'] },
  notebook: { may: ['pipeline', 'method', 'data', 'evaluate', 'store'] },
  ui: { may: ['pipeline', 'notebook', 'method', 'data', 'evaluate', 'doctor', 'offline'] },
  package: { may: ['pipeline', 'workers', 'method', 'evaluate', 'data'] },
  cli: { may: ['pipeline', 'notebook', 'method', 'data', 'evaluate', 'offline'], mayTypes: ['doctor'] },
}

/** Packages with a place of their own; others may be used anywhere. A name ending in `:` is a prefix. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@huggingface/jinja': ['models'],
  '@huggingface/tokenizers': ['models'],
  '@huggingface/transformers': ['models'],
  '@observablehq/plot': ['ui'],
  'onnxruntime-web/jspi': ['models'],
  'onnxruntime-web/wasm': ['models'],
  comlink: ['workers', 'worker', 'workerParts', 'runner', 'pipeline'],
  'idb-keyval': ['store'],
  lit: ['ui'],
  'playwright-core': ['cli'],
  'puppeteer-core': ['cli'],
  sirv: ['cli'],
  'node:': ['cli'],
}

/** The one client of the workers, in the pipeline, and the page's of the worker in which the pipeline runs. */
const COMLINK_CLIENTS = ['src/pipeline/client.ts', 'src/pipeline/runner-client.ts']

const NAMES: readonly { name: RegExp; rooms: readonly string[] }[] = [
  { name: /(^|\.)navigator\.gpu$/, rooms: ['gpu', 'doctor'] },
  { name: /^(indexedDB|IDB\w+)$/, rooms: ['store'] },
  { name: /(^|\.)navigator\.locks$/, rooms: ['store'] },
  { name: /(^|\.)navigator\.storage$/, rooms: ['store', 'doctor'] },
]

const NOT_PURE =
  /^(document|window|self|navigator|localStorage|sessionStorage|indexedDB|Worker|OffscreenCanvas|createImageBitmap|requestAnimationFrame|(HTML|SVG|GPU|IDB)\w*|process|require|Buffer)$/

function roomOf(path: string): string {
  if (path === 'src/gpu/doctor.ts') return 'doctor'
  if (path === 'src/pipeline/runner.worker.ts') return 'runner' // the pipeline itself, off the page's thread
  if (path.endsWith('.worker.ts')) return 'worker'
  if (/^src\/workers\/[^/]+\//.test(path)) return 'workerParts' // what one worker is made of
  if (path.startsWith('shaders/')) return 'shaders'
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
}

/**
 * Everything in which these modules break the house's rules, one sentence each.
 * @param files TypeScript sources by their path from the repository's root.
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const modules = [...files].map(([path, source]) => readModule(path, source))
  return [...modules.flatMap((facts) => brokenRules(facts)), ...cycles(modules)]
}

function brokenRules({ path, imports, names }: ModuleFacts): string[] {
  const roomName = roomOf(path)
  const room = ROOMS[roomName]
  if (!room) return [`${path} is in no room of the house`]
  const broken: string[] = []
  for (const { target, isPackage, isTypeOnly } of imports) {
    if (isPackage) {
      const place = PACKAGES[target.startsWith('node:') ? 'node:' : target]
      const isElsewhere = target === 'comlink' && roomName === 'pipeline' && !COMLINK_CLIENTS.includes(path)
      if (place && (!place.includes(roomName) || isElsewhere)) broken.push(`${path} may not import ${target}`)
      continue
    }
    const other = roomOf(target)
    const allowed = [roomName, ...room.may, ...(isTypeOnly ? (room.mayTypes ?? []) : [])]
    if (!allowed.includes(other))
      broken.push(`${path} (${roomName}) may not import ${target} (${other || 'outside'})`)
  }
  for (const name of names) {
    const rule = NAMES.find((r) => r.name.test(name))
    if (rule && !rule.rooms.includes(roomName)) broken.push(`${path} (${roomName}) may not use ${name}`)
    else if (room.isPure && NOT_PURE.test(name))
      broken.push(`${path} (${roomName}) is pure and may not use ${name}`)
  }
  return broken
}

/** Each cycle of imports once, types included. */
function cycles(modules: readonly ModuleFacts[]): string[] {
  const targets = new Map(
    modules.map((m) => [m.path, m.imports.filter((i) => !i.isPackage).map((i) => i.target)]),
  )
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) found.push(`cycle: ${[...trail.slice(start), path].join(' -> ')}`)
    if (start >= 0 || done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  return found
}
