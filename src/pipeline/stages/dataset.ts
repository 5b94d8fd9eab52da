import type { AmberLists } from '../../data/amber-files.ts'
import { type ImageDatasetSpec, openImageDataset } from '../../data/image-dataset.ts'
import type { StoredImage } from '../../store/schema.ts'
import type { Store } from '../../store/store.ts'
import { datasetVersion } from '../fingerprints.ts'
import { type DatasetSummary as ReadSummary, readDataset } from '../read-dataset.ts'
import type { DatasetRef } from '../recipe.ts'
import { datasetSource, type RunSources, SourceMissingError } from '../sources.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'

/** A picture of a dataset; its bytes lie in the store under its hash. */
export type DatasetItem = StoredImage

export interface DatasetSummary extends ReadSummary {
  /** AMBER's lists, where the data set is in AMBER's own layout. */
  readonly amber?: AmberLists
  /** SHA-256 of what its source held, see `datasetVersion`; absent where it was read from no source of a recipe. */
  readonly sourceHash?: string
}

/** Units of 16 pictures, which are the units of all that follows: what a run that is stopped loses at most. */
export type DatasetOutput = StageOutput<readonly DatasetItem[], DatasetSummary>

/** Reads a data set's pictures into the store, the same picture once; what is no picture is listed and passed over. */
export async function datasetStage(
  context: StageContext,
  ref: DatasetRef,
  { sources, round, part }: { sources: RunSources; round: number; part: string },
): Promise<DatasetOutput> {
  const { signal, store } = context
  const { share, skip, limit } = ref
  const place = datasetSource(ref.source, sources)
  const sourceHash = await expectedVersion(ref, place, sources, signal)
  const spec = {
    stage: 'dataset',
    kind: 'datasets',
    version: 3,
    round,
    part,
    settings: { skip, limit: limit ?? null, ...(share ? { share } : {}) },
    inputs: { source: sourceHash },
  } as const
  const read = () =>
    runStage<readonly DatasetItem[], DatasetSummary>(context, spec, async (stage, progress) => {
      const dataset = await openImageDataset(place, signal)
      const { images, thumbnails } = store
      const summary = await readDataset(
        { dataset, images, thumbnails, stage },
        {
          signal,
          share,
          skip,
          limit,
          onProgress: ({ images: done, skipped }) => {
            const passed = passedOver(skipped)
            if (limit === undefined) progress(0, 0, '', `${done} read${passed ? `, ${passed}` : ''}`)
            else progress(done, limit, 'pictures', passed)
          },
        },
      )
      const { images: all, skipped } = summary
      progress(all, all, 'pictures', passedOver(skipped.length)) // the limit may be more than there are
      return { ...summary, ...(dataset.amber ? { amber: dataset.amber } : {}), sourceHash }
    })
  const output = await withPictures(store, read)
  for (const text of skippedNotes(output.summary)) context.emit({ kind: 'note', text })
  return output
}

/** @throws {SourceMissingError} when the recipe wants other contents than there are. */
async function expectedVersion(
  { source, sha256: wanted }: DatasetRef,
  place: ImageDatasetSpec,
  { site }: RunSources,
  signal: AbortSignal,
): Promise<string> {
  const version = await datasetVersion(place, site, signal)
  if (wanted === undefined || wanted === version) return version
  throw new SourceMissingError(
    `dataset ${source}: expected SHA-256 ${wanted}, got ${version}: these are not the same pictures`,
  )
}

function passedOver(files: number): string | undefined {
  return files > 0 ? `${files} passed over` : undefined
}

/** Files named one by one; of more only the number is told. */
const MOST_NAMED = 20

/** A name of any length in a few words. */
function shortened(name: string): string {
  return name.length > 120 ? `${name.slice(0, 80)}…${name.slice(-30)}` : name
}

/** What was passed over, in words, a line each. */
export function skippedNotes({ skipped }: Pick<DatasetSummary, 'skipped'>): string[] {
  const named = skipped
    .slice(0, MOST_NAMED)
    .map(({ name, reason }) => `passed over ${shortened(name)}: ${reason}`)
  const more = skipped.length - named.length
  return more > 0 ? [...named, `passed over ${more} more`] : named
}

/** A data set's output with all its pictures: those that were damaged and dropped are read again. */
export async function withPictures(
  store: Pick<Store, 'images'>,
  read: () => Promise<DatasetOutput>,
): Promise<DatasetOutput> {
  const output = await read()
  let isWhole = true
  for await (const [chunk, items] of output.units.units()) {
    const there = await store.images.hasMany(items.map(({ hash }) => hash))
    if (there.every(Boolean)) continue
    isWhole = false
    await output.units.remove(chunk)
  }
  return isWhole ? output : await read()
}
