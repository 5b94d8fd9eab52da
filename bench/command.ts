import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright'
import { createServer } from 'vite'
import { provideBrowser } from '../src/cli/browser.ts'
import { browserLaunch } from '../src/cli/launch.ts'
import { ISOLATION_HEADERS } from '../src/offline/isolation-headers.ts'
import { type DatasetFigures, grownMemory, measureDatasets } from './dataset/dataset.ts'
import { keepFigures } from './dataset/results.ts'
import type { BenchOptions, Report } from './harness/result.ts'
import type { PolicyReport } from './page.ts'
import { type Figure, missedTargets } from './policy/figures.ts'
import { keepReport } from './policy/results.ts'
import { residentOf } from './processes.ts'
import { measureQuality, QUALITY_NAMES, type QualityRow, readResults } from './quality/quality.ts'
import { demoMisses, demoSpread, demoTime, negativeControls } from './quality/sentences.ts'
import { demoTable, variantTable } from './quality/tables.ts'
import { formatCeilings, formatFigure, formatRows } from './report.ts'
import type { HabitFigures, TrapsOptions } from './traps/traps.ts'
import { formatHabit, readAdapter, writeTraps } from './traps/write.ts'

const SUBJECTS = ['kernels', 'policy', 'dataset', 'quality', 'traps'] as const
type Subject = (typeof SUBJECTS)[number]
const isSubject = (name: string | undefined): name is Subject => SUBJECTS.some((known) => known === name)

const USAGE = `usage: npm run bench -- kernels [--json] [--only NAME] [--shapes small|full] [--batch-ms 400] [--rounds 5]
       npm run bench -- dataset [--json] [--images 500,2500,10000] [--check] [--keep]
       npm run bench -- quality [--only heldout|demo|random|...] [--seeds 0,1,2]
       npm run bench -- traps --adapter DIR [--json] [--scenes 20]
       npm run bench -- policy [--json] [--only memory|speed|decode|batches|captions|step|stages|profile|endurance|full] [--rounds 5] [--check] [--keep]
Prints to standard error as it goes; --json prints the whole report to standard output. --check fails where a figure of the policy
misses its target, or many pictures take more memory than few. --keep puts the figures
of policy or dataset into their results.json and what is made of them into README.md.`

type AnyReport = Report | PolicyReport | DatasetFigures[] | QualityRow[] | HabitFigures[]

/** Runs the bench and prints it. @returns the exit code: 0 measured, 1 failed or, with --check, a target missed, 2 wrong usage. */
export async function main(args: string[]): Promise<number> {
  let options: BenchOptions
  let json: boolean
  let check: boolean
  let keep: boolean
  let subject: Subject
  let counts: number[]
  let seeds: number[]
  let traps: TrapsOptions | undefined
  try {
    ;({ options, json, check, keep, subject, counts, seeds, traps } = readArguments(args))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  let report: AnyReport
  try {
    if (subject === 'dataset') {
      report = await measureDatasets(counts, (figures) => console.error(formatDataset(figures)))
      if (keep) keepFigures(report)
    } else if (subject === 'quality') {
      const names = options.only ? options.only.split(',') : QUALITY_NAMES
      report = await measureQuality(names, seeds, (row) => console.error(formatQuality(row)))
      const kept = readResults()
      const demo = [demoTable(kept), demoSpread(kept), demoMisses(kept), demoTime(kept) ?? []].flat()
      console.error([...demo, variantTable(kept), negativeControls(kept)].join('\n\n'))
    } else if (traps) {
      const given = traps
      report = await runInBrowser((page) => countTraps(page, given))
      console.error(`${writeTraps(report).traps.length} traps of ${report.length} habits are offered`)
    } else {
      report = await runInBrowser<Report | PolicyReport>((page) =>
        subject === 'kernels' ? measureKernels(page, options) : measurePolicy(page, options),
      )
      if (keep && 'figures' in report) keepReport(report)
    }
  } catch (error) {
    console.error(`the bench failed: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
  if ('ceilings' in report) console.error(formatCeilings(report))
  if (json) console.log(JSON.stringify(report, null, 2))
  const missed = check ? missedBy(report) : []
  for (const line of missed) console.error(line)
  return missed.length > 0 ? 1 : 0
}

function missedBy(report: AnyReport): string[] {
  if ('figures' in report) return missedTargets(report.figures)
  const datasets = Array.isArray(report) ? report.filter((one) => 'peakMiB' in one) : []
  return grownMemory(datasets)
}

function readArguments(args: string[]): {
  options: BenchOptions
  json: boolean
  check: boolean
  keep: boolean
  subject: Subject
  counts: number[]
  seeds: number[]
  traps: TrapsOptions | undefined
} {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      shapes: { type: 'string', default: 'full' },
      'batch-ms': { type: 'string', default: '400' },
      rounds: { type: 'string', default: '5' },
      images: { type: 'string', default: '500,2500,10000' },
      seeds: { type: 'string', default: '0,1,2' },
      adapter: { type: 'string' },
      scenes: { type: 'string', default: '20' },
    },
  })
  const { shapes, only, json, check, keep } = values
  const [subject] = positionals
  if (positionals.length !== 1 || !isSubject(subject))
    throw new Error(`expected one of ${SUBJECTS.join(', ')}, got ${positionals.join(' ')}`)
  if (check && subject !== 'policy' && subject !== 'dataset')
    throw new Error(`expected --check with policy or dataset, got ${subject}`)
  if (keep && subject !== 'policy' && subject !== 'dataset')
    throw new Error(`expected --keep with policy or dataset, got ${subject}`)
  if (subject === 'quality' && only && !only.split(',').every((name) => QUALITY_NAMES.includes(name)))
    throw new Error(`expected --only of ${QUALITY_NAMES.join(', ')}, got ${only}`)
  if (shapes !== 'small' && shapes !== 'full')
    throw new Error(`expected --shapes small or full, got ${shapes}`)
  const [batchMs, rounds] = [Number(values['batch-ms']), Number(values.rounds)]
  if (!(batchMs > 0) || !(rounds >= 1))
    throw new Error('expected --batch-ms over 0 and --rounds of at least 1')
  const counts = values.images.split(',').map(Number)
  if (!counts.every((count) => Number.isInteger(count) && count > 0))
    throw new Error(`expected --images as numbers with commas between, got ${values.images}`)
  const seeds = values.seeds.split(',').map(Number)
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0))
    throw new Error(`expected --seeds as numbers with commas between, got ${values.seeds}`)
  const scenes = Number(values.scenes)
  if (!Number.isInteger(scenes) || scenes < 1)
    throw new Error(`expected --scenes of at least 1, got ${values.scenes}`)
  if (subject === 'traps' && values.adapter === undefined)
    throw new Error('expected --adapter DIR, the folder of a learned adapter, such as out/smoke/adapter')
  const traps =
    subject === 'traps' && values.adapter !== undefined
      ? { scenes, adapter: readAdapter(values.adapter) }
      : undefined
  return {
    traps,
    counts,
    seeds,
    options: { only, small: shapes === 'small', batchMs, rounds },
    json,
    check,
    keep,
    subject,
  }
}

function formatQuality({ name, seed, before, after, seconds }: QualityRow): string {
  const change = (of: 'chair' | 'hal' | 'cover'): string =>
    `${of} ${before[of]?.value.toFixed(1)} -> ${after[of]?.value.toFixed(1)}`
  return `${name}, seed ${seed}: ${change('chair')}, ${change('hal')}, ${change('cover')}, ${seconds} s`
}

function formatDataset({ images, seconds, peakMiB }: DatasetFigures): string {
  const peaks = Object.entries(peakMiB).map(([kind, mib]) => `${kind} ${mib.toFixed(0)}`)
  return `${images} pictures in ${seconds.toFixed(0)} s; most memory at a moment, MiB: ${peaks.join(', ')}`
}

/** Serves the bench page from this machine, opens it in the browser and runs it there. */
async function runInBrowser<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const server = await createServer({
    configFile: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
    cacheDir: 'node_modules/.vite-bench',
    logLevel: 'error',
    // Nobody edits the page while it measures; a reload would end the run.
    // Isolated, since jax-js computes on several threads in WASM only then.
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, headers: ISOLATION_HEADERS },
    optimizeDeps: { entries: ['bench/index.html'], exclude: ['onnxruntime-web'] },
  })
  await server.listen()
  const browser = await chromium.launch(browserLaunch(provideBrowser()))
  try {
    const page = await browser.newPage()
    const broken = new Promise<never>((_, reject) => {
      page.on('pageerror', reject)
      page.on('crash', () => reject(new Error('the bench page crashed')))
      page.on('response', (response) => {
        if (!response.ok()) reject(new Error(`${response.status()} for ${response.url()}`))
      })
    })
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(`page: ${message.text()}`)
    })
    await page.exposeFunction('showRows', (rows: Report['rows']) => console.error(formatRows(rows)))
    await page.exposeFunction('showFigure', (figure: Figure) => console.error(formatFigure(figure)))
    await page.exposeFunction('showHabit', (figures: HabitFigures) => console.error(formatHabit(figures)))
    const session = await browser.newBrowserCDPSession()
    await page.exposeFunction('gpuSeconds', async () => {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo')
      return processInfo.find(({ type }) => type === 'GPU')?.cpuTime ?? 0
    })
    await page.exposeFunction('residentMiB', () => Object.fromEntries(residentOf(process.pid)))
    await page.goto(`${server.resolvedUrls?.local[0]}bench/index.html`)
    return await Promise.race([broken, work(page)])
  } finally {
    await browser.close()
    await server.close()
  }
}

async function measureKernels(page: Page, options: BenchOptions): Promise<Report> {
  await page.waitForFunction(() => window.runBench !== undefined)
  return page.evaluate(async (settings) => {
    if (!window.runBench) throw new Error('the bench page did not load')
    return window.runBench(settings)
  }, options)
}

async function measurePolicy(page: Page, { only = '', rounds }: BenchOptions): Promise<PolicyReport> {
  await page.waitForFunction(() => window.runPolicyBench !== undefined)
  return page.evaluate(
    async (settings) => {
      if (!window.runPolicyBench) throw new Error('the bench page did not load')
      return window.runPolicyBench(settings)
    },
    { only, rounds },
  )
}

async function countTraps(page: Page, options: TrapsOptions): Promise<HabitFigures[]> {
  await page.waitForFunction(() => window.runTrapsBench !== undefined)
  return page.evaluate(async (settings) => {
    if (!window.runTrapsBench) throw new Error('the bench page did not load')
    return window.runTrapsBench(settings)
  }, options)
}
