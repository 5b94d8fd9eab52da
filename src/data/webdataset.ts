import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import { isSidecar } from './image-folder.ts'
import { joinNotes, notesOfRow } from './image-notes.ts'
import { type ImageNotes, type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { readJsonFile, readTextFile } from './json-file.ts'
import { baseName, folderOf, relativePath } from './paths.ts'
import { readTar, type TarMember } from './tar.ts'

/** Files of one tar archive that have a name in common, up to its first dot. */
interface Sample {
  readonly key: string
  readonly members: TarMember[]
}

/**
 * The images of WebDataset's tar archives: files that follow each other and share their name up to its first dot are
 * one sample, of an image, `.txt` with a caption, and `.json` with what `notesOfRow` reads. One sample is held.
 * @param shards opened one after the other. A damaged one is passed over from there on.
 */
export async function* readWebDataset(
  shards: AsyncIterable<ByteSource> | Iterable<ByteSource>,
  options: ReadOptions = {},
): AsyncGenerator<ImageRecord> {
  const { signal, onSkip } = options
  for await (const shard of shards) {
    try {
      for await (const sample of samplesOf(shard, options)) yield* recordsOf(sample, options)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof DataError)) throw error
      onSkip?.({ name: shard.name, reason: error.message.replace(`${shard.name}: `, '') })
    }
  }
}

async function* samplesOf(shard: ByteSource, { signal, onSkip }: ReadOptions): AsyncGenerator<Sample> {
  let sample: Sample | undefined
  for await (const member of readTar(shard, signal)) {
    const path = relativePath(member.path)
    if (path === undefined) {
      onSkip?.({
        name: member.path,
        reason: 'expected a path within the archive, got one that leads out of it',
      })
      continue
    }
    const key = folderOf(path) + baseName(path).split('.', 1)[0]
    if (sample && sample.key !== key) yield sample
    if (sample?.key !== key) sample = { key, members: [] }
    sample.members.push({ ...member, path })
  }
  if (sample) yield sample
}

async function* recordsOf({ members }: Sample, options: ReadOptions): AsyncGenerator<ImageRecord> {
  let notes: ImageNotes = {}
  for (const { path, source } of members) {
    try {
      notes = joinNotes(notes, await notesOf(path, source, options.signal))
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      options.onSkip?.({ name: path, reason: error.message })
    }
  }
  for (const { path, source } of members) {
    if (isSidecar(path) || /\.(cls|id|index)$/.test(path)) continue
    const record = await readRecord(path, async () => source, notes, options)
    if (record) yield record
  }
}

async function notesOf(
  path: string,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<ImageNotes> {
  if (/\.(txt|caption)$/.test(path)) return notesOfRow({ caption: await readTextFile(source, signal) })
  if (!path.endsWith('.json')) return {}
  const values = await readJsonFile(source, signal)
  return typeof values === 'object' && values !== null && !Array.isArray(values)
    ? notesOfRow(values as Record<string, unknown>)
    : {}
}
