import type { ImageDatasetSpec } from '../data/image-dataset.ts'

/** Pictures a visitor chose or dropped. */
export interface GivenPictures {
  readonly spec: ImageDatasetSpec
  /** For people: what was given, such as `holiday, 41 files`. */
  readonly label: string
}

/** Files of an `<input type="file">`, with their paths where a folder was chosen. */
export function picturesOfFiles(files: Iterable<File>): GivenPictures | undefined {
  return given([...files].map((file) => [file.webkitRelativePath || file.name, file]))
}

/** What was dropped: files, and folders with all that is in them. */
export async function picturesOfDrop({ items, files }: DataTransfer): Promise<GivenPictures | undefined> {
  // Read at once: the list is gone after the first wait.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  if (entries.length === 0) return picturesOfFiles(files)
  const found = (await Promise.all(entries.map((entry) => filesBelow(entry)))).flat()
  return given(found)
}

function given(found: readonly (readonly [path: string, file: File])[]): GivenPictures | undefined {
  const [first, ...others] = found
  if (!first) return undefined
  const [path, file] = first
  if (others.length === 0) {
    const isArchive = /\.(zip|tar|tgz|tar\.gz|parquet|jsonl)$/i.test(path)
    if (isArchive) return { spec: { file: { name: file.name, blob: file } }, label: file.name }
  }
  const folder = path.includes('/') ? (path.split('/')[0] ?? '') : 'my pictures'
  const label = `${folder}, ${found.length} ${found.length === 1 ? 'file' : 'files'}`
  return { spec: { folder: { name: folder, files: Object.fromEntries(found) } }, label }
}

async function filesBelow(entry: FileSystemEntry): Promise<[path: string, file: File][]> {
  const path = entry.fullPath.replace(/^\//, '')
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    )
    return [[path, file]]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: [string, File][] = []
  for (;;) {
    // A folder is told a hundred entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return found
    found.push(...(await Promise.all(some.map((other) => filesBelow(other)))).flat())
  }
}
