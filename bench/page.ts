import { measureCeilings } from './harness/ceilings.ts'
import { compete } from './harness/compete.ts'
import type { BenchOptions, Report, Row } from './harness/result.ts'
import { ownGpu } from './peers/own.ts'
import { allPlans } from './suites/index.ts'

declare global {
  interface Window {
    /** Called by the command once the page is there. */
    runBench?: (options: BenchOptions) => Promise<Report>
    /** Given by the command: shows rows as they come. */
    showRows?: (rows: Row[]) => Promise<void>
  }
}

window.runBench = async (options) => {
  const gpu = await ownGpu()
  const ceilings = await measureCeilings(gpu, options)
  const rows: Row[] = []
  for (const plan of allPlans(options.small)) {
    if (!plan.name.includes(options.only ?? '')) continue
    const results = await compete(plan.build(), ceilings, options)
    await window.showRows?.(results)
    rows.push(...results)
  }
  return { adapter: gpu.profile, userAgent: navigator.userAgent, ceilings, rows }
}
