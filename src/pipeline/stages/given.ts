import { byImage } from '../../data/by-image.ts'
import type { ByteSource } from '../../data/bytes.ts'
import { readCandidates } from '../../data/candidates.ts'
import { DataError } from '../../data/data-error.ts'
import { type FileSpec, type FolderSpec, openFile, openFolder } from '../../data/folder.ts'
import type { ImageDataset } from '../../data/image-dataset.ts'
import { readRecord, type Skipped } from '../../data/image-records.ts'
import { relativePath } from '../../data/paths.ts'
import { sha256 } from '../../data/sha256.ts'
import type { Candidate } from '../../method/candidate.ts'
import { fingerprint } from '../fingerprints.ts'
import { readDataset } from '../read-dataset.ts'
import { runStage, type StageContext } from '../stage.ts'
import type { CaptionOutput, CaptionSummary } from './caption.ts'
import { type DatasetItem, type DatasetOutput, type DatasetSummary, withPictures } from './dataset.ts'

/** Candidates in a file, and where their pictures may lie. */
export interface GivenCandidates {
  /** Lines of `captions`. */
  readonly data: FileSpec
  /** A picture lies in one of these as `images/HASH`, or by its name. */
  readonly pictures: readonly FolderSpec[]
}

/**
 * Candidates of a file in place of what the stages `dataset` and `caption` make.
 * @throws {DataError} when a line is not as expected, or a picture is missing or another than the one described.
 */
export async function givenCandidates(
  context: StageContext,
  { data, pictures }: GivenCandidates,
): Promise<{ readonly dataset: DatasetOutput; readonly captions: CaptionOutput }> {
  const { signal, store } = context
  const source = await openFile(data, signal)
  const file = await fingerprint(source, signal)
  const groups = (): AsyncGenerator<Line[]> => byImage(() => linesOf(readCandidates(source, signal)))
  const place = { round: 1, part: 'from file', version: 1, settings: {} } as const
  const dataset = await withPictures(store, () =>
    runStage<readonly DatasetItem[], DatasetSummary>(
      context,
      { ...place, stage: 'dataset', kind: 'datasets', inputs: { file } },
      async (stage, progress) => {
        const { images, thumbnails } = store
        const job = { dataset: picturesOf(groups, pictures), images, thumbnails, stage }
        const summary = await readDataset(job, {
          signal,
          onProgress: ({ images: done }) => progress(done, done, 'pictures'),
        })
        const [lost] = summary.skipped
        if (lost) throw new DataError(`${lost.name}: ${lost.reason}`)
        return summary
      },
    ),
  )
  const spec = {
    ...place,
    stage: 'caption',
    kind: 'candidates',
    inputs: { file, dataset: dataset.summary.hash },
  } as const
  const captions = await runStage<Candidate[], CaptionSummary>(context, spec, async (units, progress) => {
    const summary = { candidates: 0, merged: 0, tokens: 0 }
    const own = groups()
    let done = 0
    for await (const [chunk, items] of dataset.units.units()) {
      const lines: Line[] = []
      for (const _ of items) lines.push(...((await own.next()).value ?? []))
      const candidates = lines.sort((a, b) => a.line - b.line).map(({ candidate }) => candidate)
      await units.put(chunk, candidates)
      done += items.length
      summary.candidates += candidates.length
      for (const { count = 1, numTokens } of candidates) {
        summary.merged += count - 1
        summary.tokens += count * numTokens
      }
      progress(done, dataset.summary.images, 'pictures', `${summary.candidates} candidates`)
    }
    return summary
  })
  return { dataset, captions }
}

/** A candidate and where it stands in its file. */
interface Line {
  readonly imageHash: string
  readonly line: number
  readonly candidate: Candidate
}

async function* linesOf(candidates: AsyncIterable<Candidate>): AsyncGenerator<Line> {
  let line = 0
  for await (const candidate of candidates) yield { imageHash: candidate.imageHash, line: line++, candidate }
}

/** The pictures that candidates are about, each once. */
function picturesOf(groups: () => AsyncGenerator<Line[]>, folders: readonly FolderSpec[]): ImageDataset {
  const places = folders.map((folder) => openFolder(folder))
  return {
    format: 'rows',
    async *records(options = {}) {
      for await (const [first] of groups()) {
        if (!first) continue
        const { image, imageHash: hash } = first.candidate
        const find = async (): Promise<ByteSource | undefined> => {
          const name = relativePath(image)
          for (const path of [`images/${hash}`, ...(name === undefined ? [] : [name])]) {
            for (const place of places) {
              const source = await place.open(path, options.signal)
              if (source) return source
            }
          }
          throw new DataError(
            `expected the picture as images/${hash} beside the file, or by its name in --images, found neither`,
          )
        }
        const onSkip = ({ name, reason }: Skipped): never => {
          throw new DataError(`${name}: ${reason}`)
        }
        const record = await readRecord(image, find, {}, { ...options, onSkip })
        if (!record) continue
        const found = await sha256(record.bytes)
        if (found !== hash)
          throw new DataError(`${image}: expected a picture with SHA-256 ${hash}, got another one: ${found}`)
        yield { ...record, hash }
      }
    },
  }
}
