import type { RunSummary } from '../../pipeline/summary.ts'
import { isOwnPictures } from '../own-pictures.ts'

/** A number of seconds for people: `0.4 s`, `41 s`, `3 min 5 s`, `2 h 7 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** The time of one step: `38 ms`, `1.4 s`. */
export function formatStep(seconds: number): string {
  return seconds < 1 ? `${Number((1000 * seconds).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`
}

/** A figure with its digits, a true minus sign, and no minus before zero. @param digits after the point. */
export function formatFigure(value: number, digits = 1): string {
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−')
}

/** A change: as `formatFigure`, with a plus sign where it is one. */
export function formatChange(value: number, digits = 1): string {
  const text = formatFigure(value, digits)
  return Number(value.toFixed(digits)) > 0 ? `+${text}` : text
}

/** A whole number with its thousands apart: `12,345`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en')
}

/** Which pictures something is said of: `400 emoji scenes the model was not trained on`. */
export function formatPictures({ evaluated, trainedOn = 0, source }: PictureSet): string {
  const { kind, place } = kindOf(source)
  const pictures = `${formatCount(evaluated)} ${kind}`
  return trainedOn === 0
    ? `${pictures} the model was not trained on${place}`
    : `${pictures}, ${formatCount(trainedOn)} of which the model was trained on${place}`
}

type PictureSet = Pick<RunSummary['images'], 'evaluated' | 'trainedOn' | 'source'>

function kindOf(source: string): { readonly kind: string; readonly place: string } {
  if (source.startsWith('embedded:emoji-scenes/')) return { kind: 'emoji scenes', place: '' }
  if (isOwnPictures(source)) return { kind: 'of your own pictures', place: '' }
  return { kind: 'pictures', place: ` (${source})` }
}

/** A figure of any size in three or four places: `0.00012`, `0.693`, `−41.2`, `1.5e-7`. */
export function formatValue(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-5 || size >= 1e6)) return value.toExponential(1).replace('-', '−')
  return String(Number(value.toPrecision(3))).replace('-', '−')
}
