import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import { interval, meanAndSpread, signed } from './format.ts'
import { HELD_OUT, type QualityRow } from './quality.ts'

type Name = 'chair' | 'hal' | 'cog'

/** How much of CHAIR, Hal and Cog goes: mean and spread over the demo's seeds. */
export function demoSpread(rows: readonly QualityRow[]): string {
  const own = heldOut(rows)
  const falls = (name: Name): string =>
    meanAndSpread(
      own.map((row) => fall(row, name)),
      0,
    )
  return `Over ${own.length} seeds CHAIR falls by ${falls('chair')}%, Hal by ${falls('hal')}% and Cog by ${falls('cog')}% (mean and spread)`
}

/** What the demo was to reach on the held-out pictures with every seed and does not: yes/no accuracy no lower, CHAIR and Hal halved. */
export function demoMisses(rows: readonly QualityRow[]): string {
  const own = heldOut(rows)
  const lower = own.flatMap(({ seed, delta }) => {
    const accuracy = delta.yesNo?.accuracy
    return accuracy && accuracy.value < 0 ? [{ seed, change: interval(accuracy, 2) }] : []
  })
  const seeds = lower.map(({ seed }) => seed).join(' / ')
  const changes = lower.map(({ change }) => change).join(' / ')
  const less = own.flatMap((row) => {
    const falls = (['chair', 'hal'] as const)
      .filter((name) => fall(row, name) < 50)
      .map((name) => `${name === 'chair' ? 'CHAIR' : 'Hal'} ${signed(-fall(row, name))}%`)
    return falls.length > 0 ? [`seed ${row.seed}: ${falls.join(', ')}`] : []
  })
  const missed = [
    ...(lower.length > 0
      ? [`yes/no accuracy no lower than before (points, with seed ${seeds}: ${changes})`]
      : []),
    ...(less.length > 0 ? [`CHAIR and Hal at least halved with every seed (${less.join('; ')})`] : []),
  ]
  return missed.length > 0
    ? `Asked for and missed: ${missed.join(', and ')}.`
    : 'With every seed yes/no accuracy is no lower, and CHAIR and Hal are at least halved.'
}

/** How long the demo's first seed took; undefined where it is not known on how many cores. */
export function demoTime(rows: readonly QualityRow[]): string | undefined {
  const [{ seconds, cores, device } = {} as Partial<QualityRow>] = heldOut(rows)
  if (seconds === undefined || cores === undefined || !device) return undefined
  const adapter = device.isSoftware ? 'a software adapter' : device.description
  return `It takes ${Math.round(seconds / 60)} minutes on ${cores} ${cores === 1 ? 'core' : 'cores'} with ${adapter}.`
}

/** Whether the negative controls help: whether the whole interval of CHAIR less control C's lies below 0. */
export function negativeControls(rows: readonly QualityRow[]): string {
  const chairOf = (variant: string): Estimate[] =>
    rows.flatMap(({ name, controls }) => (name === variant && controls ? [controls.C.tunedMinus.chair] : []))
  const [random, flipped] = [chairOf('random'), chairOf('flipped')]
  const helped = (own: readonly Estimate[]): number => own.filter(({ high }) => high < 0).length
  const isHelp = helped(random) + helped(flipped) > 0
  return (
    `${isHelp ? 'A' : 'Neither'} negative control helps: at the same Cover (control C) the whole interval of CHAIR’s change lies below 0 ` +
    `in ${helped(random)} of ${random.length} seeds with random pairs and in ${helped(flipped)} of ${flipped.length} with flipped ones.`
  )
}

function heldOut(rows: readonly QualityRow[]): QualityRow[] {
  return rows.filter(({ name }) => name === HELD_OUT)
}

/** In percent of what it was. */
function fall({ before, after }: QualityRow, name: Name): number {
  return 100 * (1 - (after[name]?.value ?? 0) / (before[name]?.value ?? 1))
}
