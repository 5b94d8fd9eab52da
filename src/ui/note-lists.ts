import type { Damage } from '../pipeline/events.ts'
import type { StoredOutput } from '../pipeline/runner.api.ts'
import type { CaptionSummary } from '../pipeline/stages/caption.ts'
import type { DatasetSummary } from '../pipeline/stages/dataset.ts'

/** Something to be told of a stage, line by line. */
export interface NoteList {
  readonly title: string
  readonly lines: readonly string[]
  /** Lines there would be if none had been left out. */
  readonly count: number
}

/** The pictures a run is trained on, in a sentence; undefined before they are read. @param outputs of one stage. */
export function outputLead(outputs: readonly StoredOutput[]): string | undefined {
  const trained = outputs.find(({ stage, part }) => stage === 'dataset' && part === 'train')
  const summary = trained?.end?.summary as DatasetSummary | undefined
  if (!summary) return undefined
  const { images, captioned, withTruth } = summary
  const known = [
    ...(captioned > 0 ? [`${formatted(captioned)} with captions`] : []),
    ...(withTruth > 0 ? [`${formatted(withTruth)} of which it is known what they show`] : []),
  ]
  return `${[`${formatted(images)} pictures`, ...known].join(', ')}.`
}

/** What the outputs of one stage tell of themselves. */
export function outputLists(outputs: readonly StoredOutput[]): NoteList[] {
  return outputs.flatMap(({ stage, part, end }) => {
    if (!end) return []
    if (stage === 'dataset') return datasetLists(end.summary as DatasetSummary, part ?? '')
    if (stage === 'caption') return questionLists(end.summary as CaptionSummary)
    return []
  })
}

/** Stored values that were damaged. */
export function damageList(damage: readonly Damage[]): NoteList[] {
  if (damage.length === 0) return []
  return [
    {
      title: `${counted(damage.length, 'stored value')} turned out damaged and ${damage.length === 1 ? 'was' : 'were'} dropped; what is missing is made again`,
      lines: damage.map(({ text }) => text),
      count: damage.length,
    },
  ]
}

/** What the pictures are for, before "files"; nothing for those that are trained on. */
const KINDS: Readonly<Record<string, string>> = { heldout: 'held-out ', 'zero-shot': 'zero-shot ' }

function datasetLists({ skipped, duplicates }: DatasetSummary, part: string): NoteList[] {
  const file = `${KINDS[part] ?? ''}file`
  const list = (title: string, lines: readonly string[]): NoteList[] =>
    lines.length === 0
      ? []
      : [{ title: `${counted(lines.length, file)} ${title}`, lines, count: lines.length }]
  return [
    ...list(
      'passed over',
      skipped.map(({ name, reason }) => `${name}: ${reason}`),
    ),
    ...list(
      'there already under another name',
      duplicates.map(({ name, first }) => `${name} is ${first}`),
    ),
  ]
}

function questionLists({ funnel = [], unreadable = [] }: CaptionSummary): NoteList[] {
  const removed = funnel.reduce((sum, step) => sum + step.removed, 0)
  if (removed === 0) return []
  return [
    {
      title: `${counted(removed, 'question')} of the text model could not be read and ${removed === 1 ? 'was' : 'were'} left out`,
      lines: unreadable.map(({ image, text, why }) => `${image}: ${why}; it says “${text}”`),
      count: removed,
    },
  ]
}

function counted(count: number, noun: string): string {
  return `${formatted(count)} ${noun}${count === 1 ? '' : 's'}`
}

function formatted(count: number): string {
  return count.toLocaleString('en')
}
