import {
  type ByteSource,
  blobSource,
  finalAnswer,
  type UrlSourceOptions,
  unread,
  urlSource,
} from './bytes.ts'

/** Files by their path within a folder, wherever it lies. */
export interface Folder {
  /** Folder or address, for error messages. */
  readonly name: string
  /** Opens a file by its path, or gives undefined when there is none. */
  open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined>
  /** The paths of all files, sorted by their code units; undefined where they are not known, as on a server. */
  readonly paths?: readonly string[]
}

/** A folder that can be sent to a worker: an address (a server tells no paths: give them, where they matter), or files by their path. */
export type FolderSpec =
  | { readonly url: string; readonly paths?: readonly string[] }
  | { readonly name: string; readonly files: Readonly<Record<string, Blob>> }

/** A file that can be sent to a worker. */
export type FileSpec = { readonly url: string } | { readonly name: string; readonly blob: Blob }

/** Opens what a specification describes. @param options how addresses are fetched. */
export function openFolder(spec: FolderSpec, options: Omit<UrlSourceOptions, 'signal'> = {}): Folder {
  if ('url' in spec)
    return {
      ...urlFolder(spec.url, options),
      ...(spec.paths ? { paths: spec.paths.toSorted(byCodeUnits) } : {}),
    }
  return {
    name: spec.name,
    paths: Object.keys(spec.files).sort(byCodeUnits),
    open: (path) => {
      const blob = Object.hasOwn(spec.files, path) ? spec.files[path] : undefined
      return Promise.resolve(blob && blobSource(blob, `${spec.name}/${path}`))
    },
  }
}

/** Puts texts in an order that depends on no language. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** @throws {SourceError} when there is no such file. */
export async function openFile(spec: FileSpec, signal?: AbortSignal): Promise<ByteSource> {
  return 'url' in spec
    ? await urlSource(spec.url, signal ? { signal } : {})
    : blobSource(spec.blob, spec.name)
}

/**
 * The folder of an address; a file the server answers 404 or 410 for does not exist, nor does one for which it sends its
 * page: servers of single-page applications have no other answer to an unknown path.
 */
function urlFolder(url: string, options: Omit<UrlSourceOptions, 'signal'>): Folder {
  const base = url.endsWith('/') ? url : `${url}/`
  const fetchBytes = options.fetch ?? fetch
  return {
    name: url,
    async open(path, signal) {
      const address = base + path.split('/').map(encodeURIComponent).join('/')
      const response = await fetchBytes(address, { method: 'HEAD', signal: signal ?? null }).catch(
        (cause) => {
          signal?.throwIfAborted()
          throw unread(address, cause)
        },
      )
      if (response.status === 404 || response.status === 410 || isPage(response, path)) return undefined
      if (response.status === 401 || response.status === 403) throw finalAnswer(address, response)
      return await urlSource(address, { ...options, ...(signal ? { signal } : {}) })
    },
  }
}

function isPage(response: Response, path: string): boolean {
  return /^text\/html\b/.test(response.headers.get('content-type') ?? '') && !/\.html?$/.test(path)
}
