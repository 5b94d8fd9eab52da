import type { Estimate } from '../evaluate/bootstrap.ts'
import type { Evaluation } from '../evaluate/evaluation.ts'
import type { MetricTable } from '../evaluate/metrics.ts'

/** Figures before, after, and their paired difference. */
export interface Tables {
  readonly before: MetricTable
  readonly after: MetricTable
  readonly delta: MetricTable
}

/** Instead of the truncation controls' verdict, which is about a gain. */
const NO_GAIN = 'Invention did not fall beyond chance: there is no gain that shortening could explain.'

/** What the figures mean, one sentence each, the most important first. */
export function verdicts({ before, after, delta }: Tables, controls?: Evaluation['controls']): string[] {
  const told = (
    name: 'chair' | 'hal' | 'cog' | 'cover',
    tell: (...of: [Estimate, Estimate, Estimate]) => string,
  ) => {
    const [b, a, d] = [before[name], after[name], delta[name]]
    return b && a && d ? [tell(b, a, d)] : []
  }
  const fall = (name: 'chair' | 'hal' | 'cog', meaning: string): string[] =>
    told(name, (b, a, d) => {
      const change = b.value === 0 ? 0 : 100 * (a.value / b.value - 1)
      return `${meaning}: ${percent(b)} before, ${percent(a)} after (${signed(change)}%), ${certainty(d)}.`
    })
  const isGain = [delta.chair, delta.hal].some((change) => change && change.high < 0)
  const lines = [
    ...fall('hal', 'Captions that invent something'),
    ...fall('chair', 'Nouns that are invented'),
    ...fall('cog', 'Tempting nouns that are invented'),
    ...told(
      'cover',
      (b, a, d) =>
        `Things in the pictures that captions mention: ${percent(b)} before, ${percent(a)} after, ${certainty(d)}.`,
    ),
    `Length: ${before.meanLength.value.toFixed(1)} words before, ${after.meanLength.value.toFixed(1)} after.`,
    ...(controls ? [isGain ? controls.verdict.message : NO_GAIN] : []),
  ]
  if (before.yesNo && after.yesNo && delta.yesNo) {
    lines.push(
      `Yes/no questions answered rightly: ${percent(before.yesNo.accuracy)} before, ${percent(after.yesNo.accuracy)} after, ` +
        `${certainty(delta.yesNo.accuracy)}; yes-rate ${percent(before.yesNo.yesRate)} and ${percent(after.yesNo.yesRate)}.`,
    )
  }
  if (before.zeroShot && after.zeroShot && delta.zeroShot) {
    lines.push(
      `Single objects recognised by their captions: ${percent(before.zeroShot.top1)} before, ${percent(after.zeroShot.top1)} after, ` +
        `${certainty(delta.zeroShot.top1)}.`,
    )
  }
  if (delta.cleanLoss) lines.push(`Loss on true captions: ${signed(delta.cleanLoss.value)}%.`)
  return lines
}

/** Whether an interval excludes no change. */
function certainty({ value, low, high }: Estimate): string {
  const interval = `95% interval ${signed(low)} to ${signed(high)} points`
  if (low > 0 || high < 0) return `${value > 0 ? 'a rise' : 'a fall'} beyond chance (${interval})`
  return `no change beyond chance (${interval})`
}

const percent = ({ value }: Estimate): string => `${value.toFixed(1)}%`
const signed = (value: number): string => {
  const text = value.toFixed(1)
  if (Number(text) === 0) return '0.0' // neither +0.0 nor -0.0
  return value > 0 ? `+${text}` : text
}
