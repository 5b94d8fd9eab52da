import type { Download } from '../store/downloads.ts'

/** A model's folder on some server, whose files are kept in this browser, wholly or in part. */
export interface CachedModel {
  /** Address of the folder, with a slash at its end: all its files' addresses begin with it. */
  readonly url: string
  /** For people: `org/name` of the hub's, otherwise the folder's name. */
  readonly name: string
  readonly files: number
  readonly byteLength: number
  /** Bytes of these files that are here. */
  readonly keptBytes: number
}

/** Kept files by the model they belong to, the largest first. */
export function cachedModels(downloads: readonly Download[]): CachedModel[] {
  const models = new Map<string, CachedModel>()
  for (const { url, byteLength, keptBytes } of downloads) {
    const folder = folderOf(url)
    const known = models.get(folder) ?? { files: 0, byteLength: 0, keptBytes: 0 }
    models.set(folder, {
      url: folder,
      name: modelName(folder),
      files: known.files + 1,
      byteLength: known.byteLength + byteLength,
      keptBytes: known.keptBytes + keptBytes,
    })
  }
  return [...models.values()].sort((a, b) => b.keptBytes - a.keptBytes || (a.url < b.url ? -1 : 1))
}

/** Graphs lie in a folder of their own within a model's. */
function folderOf(url: string): string {
  return url.replace(/(onnx\/)?[^/]*$/, '')
}

/** A model's name from its folder's address. */
export function modelName(url: string): string {
  const [, name, revision] =
    /^https:\/\/huggingface\.co\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/?$/.exec(url) ?? []
  if (name !== undefined) return revision === 'main' ? name : `${name}@${revision}`
  return decodeURIComponent(url.replace(/\/$/, '').split('/').at(-1) ?? url)
}
