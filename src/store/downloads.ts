import { StorageFullError } from './errors.ts'
import { pack, unpack } from './packing.ts'
import { Shelf } from './shelf.ts'

/** A file of a server that is kept here, wholly or in part. */
export interface Download {
  readonly url: string
  readonly byteLength: number
  /** Bytes of it that are here. */
  readonly keptBytes: number
}

/** What a server said of a file. */
interface Told {
  readonly status: number
  /** ETag or date, size, and how it is cut: chunks are good for as long as these are the same. */
  readonly version: string
  readonly byteLength: number
  readonly type: string
}

export interface DownloadOptions {
  readonly shelf?: Shelf
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch
  /** What is fetched and kept at once. Default 8 MiB. */
  readonly chunkByteLength?: number
}

/** Keys: what a server said of a file, and the file's chunks by version and number. */
const TOLD = 'told'
const CHUNK = 'chunk'
/** Types of files that servers pack on their way. */
const TEXT = /^(text\/|application\/(json|xml|javascript))/

/**
 * Files fetched from servers and kept, chunk by chunk, each under its SHA-256: what was fetched is not fetched again, a
 * download that broke off goes on where it stopped, and without network what is here is enough. With network a file is asked
 * for by HEAD first, and fetched anew when its ETag, date or size has changed. Files a server forbids to keep
 * (`Cache-Control: no-store`) or whose size it does not tell pass through.
 */
export class Downloads {
  readonly #shelf: Shelf
  readonly #fetch: typeof fetch
  readonly #chunkByteLength: number
  readonly #told = new Map<string, Told>()
  /** The chunk read last: small reads follow one another. */
  #newest: { readonly key: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined
  #isFull = false

  constructor(options: DownloadOptions = {}) {
    this.#shelf = options.shelf ?? new Shelf('models')
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init))
    this.#chunkByteLength = options.chunkByteLength ?? 8 * 2 ** 20
  }

  /** As the global `fetch`, for HEAD requests and for ranges of what HEAD has told of; others pass through. */
  readonly fetch: typeof fetch = async (input, init = {}) => {
    if (typeof input !== 'string') return await this.#fetch(input, init)
    if (init.method === 'HEAD') return await this.#head(input, init)
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init.headers).get('range') ?? '') ?? []
    const told = this.#told.get(input)
    if (start === undefined || end === undefined || told?.status !== 200)
      return await this.#fetch(input, init)
    const stop = Math.min(Number(end) + 1, told.byteLength)
    const { signal } = init
    const read = () => this.#read(input, told, Number(start), stop, signal ?? undefined)
    // Who asks for one byte wants the size; an error told by a stream would lose its message.
    const body = start === end ? lazily(read) : await read()
    const headers = { 'content-range': `bytes ${start}-${stop - 1}/${told.byteLength}` }
    return new Response(body, { status: 206, headers })
  }

  /** What is kept, by address. */
  async list(): Promise<Download[]> {
    const entries = await this.#shelf.entries()
    const sizes = new Map<string, number>()
    for (const { key, byteLength } of entries) {
      const [url = '', kind] = key
      const before = sizes.get(String(url)) ?? 0
      sizes.set(String(url), before + (kind === CHUNK ? byteLength : 0))
    }
    const kept = [...sizes].filter(([, keptBytes]) => keptBytes > 0)
    return await Promise.all(
      kept.map(async ([url, keptBytes]) => {
        const told = await this.#recall(url)
        return { url, byteLength: told?.byteLength ?? keptBytes, keptBytes }
      }),
    )
  }

  /** Bytes kept of all files. */
  async byteLength(): Promise<number> {
    return (await this.list()).reduce((total, { keptBytes }) => total + keptBytes, 0)
  }

  /** Removes all files whose address begins with this one: a file, or a model's folder. */
  async delete(url: string): Promise<void> {
    const keys = (await this.#shelf.keys()).filter(([kept]) => String(kept).startsWith(url))
    await this.#shelf.delete(keys)
    for (const known of [...this.#told.keys()].filter((kept) => kept.startsWith(url)))
      this.#told.delete(known)
    this.#newest = undefined
    this.#isFull = false
  }

  async #head(url: string, init: RequestInit): Promise<Response> {
    const before = await this.#recall(url)
    let response: Response
    try {
      response = await this.#fetch(url, init)
    } catch (error) {
      if (init.signal?.aborted || !before) throw error
      this.#told.set(url, before) // no network: what is here has to do
      return answer(before)
    }
    const told = toldBy(
      response,
      this.#chunkByteLength,
      await this.#size(url, response, init.signal ?? undefined),
    )
    if (before && before.version !== told?.version) await this.#forget(url)
    if (!told) return response
    this.#told.set(url, told)
    if (before?.version !== told.version) await this.#keep([url, TOLD], pack(told))
    return response
  }

  /**
   * A file's size. Of a text on another site HEAD may tell how long it is when it is packed, and hides that it is: one byte of
   * it, which comes unpacked, tells the truth.
   * @returns NaN where the server does not tell: then the file passes through.
   */
  async #size(url: string, { type, status, headers }: Response, signal?: AbortSignal): Promise<number> {
    const told = Number(headers.get('content-length') ?? Number.NaN)
    if (type !== 'cors' || status !== 200 || !TEXT.test(headers.get('content-type') ?? '')) return told
    const response = await this.#fetch(url, { headers: { range: 'bytes=0-0' }, signal: signal ?? null })
    if (response.status === 200) return (await response.arrayBuffer()).byteLength
    await response.body?.cancel()
    return Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
  }

  async #read(
    url: string,
    told: Told,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const size = this.#chunkByteLength
    const bytes = new Uint8Array(end - start)
    for (let chunk = Math.floor(start / size); chunk * size < end; chunk++) {
      signal?.throwIfAborted()
      const whole = await this.#chunk(url, told, chunk, signal)
      const first = Math.max(start, chunk * size)
      const last = Math.min(end, (chunk + 1) * size)
      bytes.set(whole.subarray(first - chunk * size, last - chunk * size), first - start)
    }
    return bytes
  }

  async #chunk(
    url: string,
    told: Told,
    chunk: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const key = [url, CHUNK, told.version, chunk]
    if (this.#newest?.key === key.join()) return this.#newest.bytes
    const bytes = (await this.#shelf.get(key)) ?? (await this.#fetchChunk(url, told, chunk, signal))
    this.#newest = { key: key.join(), bytes }
    return bytes
  }

  /** Fetches and keeps a chunk; of a server that knows no ranges all chunks, since it sends them all. */
  async #fetchChunk(
    url: string,
    { version, byteLength }: Told,
    chunk: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const size = this.#chunkByteLength
    const [start, end] = [chunk * size, Math.min((chunk + 1) * size, byteLength)]
    const headers = { range: `bytes=${start}-${end - 1}` }
    const response = await this.#fetch(url, { headers, signal: signal ?? null })
    const etag = etagOf(response.headers)
    if (etag !== undefined && !version.startsWith(`${etag} `))
      throw new Error('the file has changed on the server; load it again')
    const isWhole = response.status === 200
    if (!isWhole && response.status !== 206) throw new Error(`the server answered ${response.status}`)
    const sent = new Uint8Array(await response.arrayBuffer())
    const expected = isWhole ? byteLength : end - start
    if (sent.length !== expected) throw new Error(`expected ${expected} bytes, got ${sent.length}`)
    const first = isWhole ? 0 : start
    for (let at = first; at < first + sent.length; at += size)
      await this.#keep([url, CHUNK, version, at / size], sent.slice(at - first, at - first + size))
    return sent.slice(start - first, end - first)
  }

  async #recall(url: string): Promise<Told | undefined> {
    const bytes = await this.#shelf.get([url, TOLD])
    return bytes && (unpack(bytes) as Told)
  }

  async #forget(url: string): Promise<void> {
    this.#told.delete(url)
    await this.#shelf.deleteBelow([url])
  }

  /** Where the browser's storage is full, nothing more is kept and everything goes on. */
  async #keep(key: readonly (string | number)[], bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isFull) return
    try {
      await this.#shelf.put({ key, bytes })
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error
      this.#isFull = true
    }
  }
}

/** What is worth keeping of a HEAD response; undefined for a file that is not to be kept. */
function toldBy(
  { status, headers }: Response,
  chunkByteLength: number,
  byteLength: number,
): Told | undefined {
  const type = headers.get('content-type') ?? ''
  if (status === 404 || status === 410) return { status, version: `${status}`, byteLength: 0, type }
  const isKept = status === 200 && !/\bno-store\b/.test(headers.get('cache-control') ?? '')
  if (!isKept || !Number.isSafeInteger(byteLength) || headers.has('content-encoding')) return undefined
  const version = `${etagOf(headers) ?? headers.get('last-modified') ?? ''} ${byteLength} ${chunkByteLength}`
  return { status, version, byteLength, type }
}

/** A packed answer has a weak tag, the same but for its mark. */
function etagOf(headers: Headers): string | undefined {
  return headers.get('etag')?.replace(/^W\//, '')
}

function answer({ status, byteLength, type }: Told): Response {
  return new Response(null, { status, headers: { 'content-length': `${byteLength}`, 'content-type': type } })
}

/** A body whose bytes are not looked for before somebody reads it. */
function lazily(read: () => Promise<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        controller.enqueue(await read())
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
