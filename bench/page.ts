import { openCeilings } from './harness/ceilings.ts'
import { compete } from './harness/compete.ts'
import type { BenchOptions, Report, Row } from './harness/result.ts'
import { ownGpu } from './peers/own.ts'
import type { Figure, PolicyOptions } from './policy/figures.ts'
import { SECTIONS } from './policy/sections.ts'
import { allPlans } from './suites/index.ts'
import { type HabitFigures, measureTraps, type TrapsOptions } from './traps/traps.ts'

export interface PolicyReport {
  adapter: Report['adapter']
  userAgent: string
  /** Of the machine's processor, which a software adapter computes on. */
  cores: number
  figures: Figure[]
}

declare global {
  interface Window {
    /** Called by the command once the page is there. */
    runBench?: (options: BenchOptions) => Promise<Report>
    runPolicyBench?: (options: PolicyOptions) => Promise<PolicyReport>
    runTrapsBench?: (options: TrapsOptions) => Promise<HabitFigures[]>
    /** Given by the command: shows rows as they come. */
    showRows?: (rows: Row[]) => Promise<void>
    showFigure?: (figure: Figure) => Promise<void>
    showHabit?: (figures: HabitFigures) => Promise<void>
    /** Given by the command: processor time of the browser's GPU process; on a software adapter, the kernels'. */
    gpuSeconds?: () => Promise<number>
    /** Given by the command: resident memory of the browser's processes by kind, MiB. */
    residentMiB?: () => Promise<Record<string, number>>
  }
}

window.runBench = async (options) => {
  const gpu = await ownGpu()
  const probe = await openCeilings(gpu, options)
  const rows: Row[] = []
  for (const plan of allPlans({ small: options.small, isSoftware: gpu.profile.isSoftware })) {
    if (!plan.name.includes(options.only ?? '')) continue
    const results = await compete(plan.build(), probe, options)
    await window.showRows?.(results)
    rows.push(...results)
  }
  return { adapter: gpu.profile, userAgent: navigator.userAgent, ceilings: probe.initial, rows }
}

window.runPolicyBench = async (options) => {
  const gpu = await ownGpu()
  const figures: Figure[] = []
  for (const [section, run] of Object.entries(SECTIONS)) {
    if (!section.includes(options.only)) continue
    const say = (figure: Omit<Figure, 'section'>): void => {
      figures.push({ section, ...figure })
      void window.showFigure?.({ section, ...figure })
    }
    await run(gpu, options, say)
  }
  const { userAgent, hardwareConcurrency: cores } = navigator
  return { adapter: gpu.profile, userAgent, cores, figures }
}

window.runTrapsBench = async (options) =>
  await measureTraps(options, (figures) => void window.showHabit?.(figures))
