import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DatasetFigures, PICTURE_BYTES } from './dataset.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Committed, and what README's sentence is made of. */
const RESULTS = join(ROOT, 'bench/dataset/results.json')
const README = join(ROOT, 'README.md')
/** How README's sentence begins, which is a paragraph. */
const BEGINNING = 'The command line takes at most '

/** The committed figures. */
export function readFigures(): DatasetFigures[] {
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as DatasetFigures[]
}

/** Puts figures in place of the committed ones, and what they say into README. @throws {RangeError} where README has no place for it. */
export function keepFigures(all: readonly DatasetFigures[]): void {
  writeFileSync(RESULTS, `${JSON.stringify(all, rounded, 2)}\n`)
  writeFileSync(README, withSentence(readFileSync(README, 'utf8'), readFigures()))
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value
}

/** What figures say, in a sentence. */
export function memorySentence(all: readonly DatasetFigures[]): string {
  const runs = all.map(({ images, pairs, peakMiB }) => {
    const { all: every = Number.NaN, renderer = Number.NaN } = peakMiB
    return `${count(every)} MiB in a run over ${count(images)} pictures and ${count(pairs)} pairs, ${count(renderer)} of them in the page and its workers`
  })
  return `${BEGINNING}${runs.join('; ')} (resident, the browser included; pictures of ${PICTURE_BYTES / 1024} KiB).`
}

/** A text with another sentence in place of its own. @throws {RangeError} where it has none. */
export function withSentence(text: string, all: readonly DatasetFigures[]): string {
  const start = text.indexOf(BEGINNING)
  if (start < 0)
    throw new RangeError(`README: expected a paragraph that begins with "${BEGINNING}", found none`)
  return text.slice(0, start) + memorySentence(all) + text.slice(text.indexOf(' `npm run', start))
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
