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
const NO_GAIN = 'No gain is shown, so there is none that shorter captions could explain.'

/** Of fewer pictures hardly any change shows. */
const ENOUGH_IMAGES = 50

/** Says that figures are of few pictures, where they are. */
export function fewNotes(images: number): string[] {
  if (images >= ENOUGH_IMAGES) return []
  return [
    `Only ${images} pictures were evaluated: too few to tell a small change from chance, in either direction.`,
  ]
}

/** What the figures mean, one sentence each, the most important first. */
export function verdicts({ before, after, delta }: Tables, controls?: Evaluation['controls']): string[] {
  const share = (name: 'chair' | 'hal' | 'cog' | 'cover', meaning: string): string[] => {
    const [b, a, d] = [before[name], after[name], delta[name]]
    return b && a && d ? [`${meaning}: ${beforeAndAfter(b, a, d)}.`] : []
  }
  const isGain = [delta.chair, delta.hal].some((change) => change && change.high < 0)
  const lines = [
    ...share('hal', 'Captions that invent something'),
    ...share('chair', 'Of the things named, those that are not there'),
    ...share('cog', 'Of the things one would expect but that are missing, those named all the same'),
    ...share('cover', 'Of the things that are there, those named'),
    `Length: ${before.meanLength.value.toFixed(1)} words before, ${after.meanLength.value.toFixed(1)} after.`,
    ...(controls ? [isGain ? controls.verdict.message : NO_GAIN] : []),
  ]
  if (before.yesNo && after.yesNo && delta.yesNo) {
    lines.push(
      `Yes/no questions answered rightly: ${beforeAndAfter(before.yesNo.accuracy, after.yesNo.accuracy, delta.yesNo.accuracy)}; ` +
        `answered yes: ${percent(before.yesNo.yesRate)} and ${percent(after.yesNo.yesRate)}.`,
    )
  }
  if (before.zeroShot && after.zeroShot && delta.zeroShot) {
    lines.push(
      `Single objects recognised by their captions: ${beforeAndAfter(before.zeroShot.top1, after.zeroShot.top1, delta.zeroShot.top1)}.`,
    )
  }
  if (delta.cleanLoss) lines.push(`Loss on true captions: ${signed(delta.cleanLoss.value)}%.`)
  return lines
}

/** "25.0% before, 18.0% after, 28% less: more than chance explains" */
function beforeAndAfter(before: Estimate, after: Estimate, delta: Estimate): string {
  if (delta.value === 0 && delta.low === 0 && delta.high === 0) return `${percent(before)} before and after`
  const isBeyondChance = delta.low > 0 || delta.high < 0
  const share = before.value === 0 ? 0 : Math.round(100 * Math.abs(after.value / before.value - 1))
  const change = share === 0 ? '' : `, ${share}% ${after.value < before.value ? 'less' : 'more'}`
  const certainty = `${isBeyondChance ? 'more' : 'no more'} than chance explains`
  return `${percent(before)} before, ${percent(after)} after${change}: ${certainty}`
}

const percent = ({ value }: Estimate): string => `${value.toFixed(1)}%`
const signed = (value: number): string => {
  const text = Math.abs(value).toFixed(1)
  if (Number(text) === 0) return text
  return `${value > 0 ? '+' : '−'}${text}`
}
