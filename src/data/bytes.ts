/** Random access to the bytes of one file, wherever it lies. */
export interface ByteSource {
  /** Path or address, for error messages. */
  readonly name: string
  readonly byteLength: number
  /** What a server says by which one content of the file is told from another; absent where it says nothing, and of local files. */
  readonly validators?: Validators
  /** Bytes `start .. end`. @throws {SourceError} outside the file, or when they cannot be had. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
}

/** RFC 9110, 8.8. */
export interface Validators {
  /** A strong ETag: other bytes have another. */
  readonly etag?: string
  /** When the file was changed last, to the second. */
  readonly lastModified?: string
}

/** A file could not be read; the message names it and says what happened. */
export class SourceError extends Error {
  override readonly name: string = 'SourceError'
}

/** A server does not give a file to whoever asks: it wants a login, or there is no such thing. */
export class RefusedError extends SourceError {
  override readonly name = 'RefusedError'
}

/** No server answered, or it let no page of another site read the answer: a browser does not tell which. */
export class UnreachableError extends SourceError {
  override readonly name = 'UnreachableError'
}

export interface UrlSourceOptions {
  signal?: AbortSignal
  /** Default the global `fetch`. */
  fetch?: typeof fetch
  /** Further tries after a failed request. Default 4. */
  retries?: number
  /** Wait before the first retry, doubled at each further one. Default 500 ms. */
  retryDelayMs?: number
  /** Largest range asked for at once; a broken connection costs at most this much. Default 8 MiB. */
  chunkByteLength?: number
}

/** A `File` or `Blob`: a picked file, or one kept in IndexedDB. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    byteLength: blob.size,
    async read(start, end, signal) {
      checkRange(name, start, end, blob.size)
      signal?.throwIfAborted()
      return new Uint8Array(await blob.slice(start, end).arrayBuffer())
    },
  }
}

/** Part of a file as a file of its own, such as a member of an archive. */
export function partSource(source: ByteSource, name: string, start: number, end: number): ByteSource {
  checkRange(name, start, end, source.byteLength)
  return {
    name,
    byteLength: end - start,
    async read(from, to, signal) {
      checkRange(name, from, to, end - start)
      return await source.read(start + from, start + to, signal)
    },
  }
}

/** Bytes that are there already. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>, name: string): ByteSource {
  return {
    name,
    byteLength: bytes.length,
    read: async (start, end) => {
      checkRange(name, start, end, bytes.length)
      return bytes.slice(start, end)
    },
  }
}

/**
 * A file on a server, read by range requests, each retried by itself.
 * @throws {RefusedError} and {UnreachableError}, {SourceError} when the server has no such file or does not tell its size.
 */
export async function urlSource(url: string, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const { chunkByteLength = 8 * 2 ** 20 } = options
  const first = await request(url, 0, 1, options, options.signal)
  if (first.status === 200) return blobSource(await first.blob(), url) // the server knows no ranges: it has sent all
  const total = Number(/\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
  await first.body?.cancel()
  if (!Number.isSafeInteger(total)) {
    throw new SourceError(
      `${url}: expected a Content-Range with the file's size, got ${first.headers.get('content-range')}`,
    )
  }
  const validators = validatorsOf(first.headers)
  return {
    name: url,
    byteLength: total,
    ...(validators ? { validators } : {}),
    async read(start, end, signal) {
      checkRange(url, start, end, total)
      const bytes = new Uint8Array(end - start)
      for (let at = start; at < end; at += chunkByteLength) {
        bytes.set(await readChunk(url, at, Math.min(at + chunkByteLength, end), options, signal), at - start)
      }
      return bytes
    },
  }
}

function validatorsOf(headers: Headers): Validators | undefined {
  const etag = headers.get('etag')
  const lastModified = headers.get('last-modified')
  if (etag?.startsWith('"')) return { etag, ...(lastModified ? { lastModified } : {}) }
  return lastModified ? { lastModified } : undefined
}

async function readChunk(
  url: string,
  start: number,
  end: number,
  options: UrlSourceOptions,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return await withRetries(url, options, signal, async () => {
    const response = await requestOnce(url, start, end, options, signal)
    const bytes = new Uint8Array(await response.arrayBuffer())
    const body = response.status === 200 ? bytes.subarray(start, end) : bytes
    if (body.length !== end - start) throw new Error(`expected ${end - start} bytes, got ${body.length}`)
    return body
  })
}

async function request(
  url: string,
  start: number,
  end: number,
  options: UrlSourceOptions,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return await withRetries(url, options, signal, () => requestOnce(url, start, end, options, signal))
}

/** What an answer without the file means; undefined where another try may change it. */
export function finalAnswer(url: string, { status, statusText, headers }: Response): SourceError | undefined {
  if (status === 408 || status === 429 || status >= 500) return undefined
  const said = headers.get('x-error-message') ?? statusText // the hub's own words
  const message = `${url}: the server answered ${status} ${said}`.trim()
  return status === 401 || status === 403 ? new RefusedError(message) : new SourceError(message)
}

async function requestOnce(
  url: string,
  start: number,
  end: number,
  options: UrlSourceOptions,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const fetchBytes = options.fetch ?? fetch
  const response = await fetchBytes(url, {
    headers: { range: `bytes=${start}-${end - 1}` },
    signal: signal ?? null,
  })
  if (response.status === 206 || response.status === 200) return response
  await response.body?.cancel()
  const message = `the server answered ${response.status} ${response.statusText}`.trim()
  throw finalAnswer(url, response) ?? new Error(message)
}

async function withRetries<T>(
  url: string,
  { retries = 4, retryDelayMs = 500 }: UrlSourceOptions,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof SourceError) throw cause
      if (tried >= retries) throw unread(url, cause, `, after ${tried + 1} tries`)
      await pause(retryDelayMs * 2 ** tried, signal)
    }
  }
}

/** Waits, but not past an abort. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', go)
      resolve()
    }
    const timer = setTimeout(go, ms)
    signal?.addEventListener('abort', go)
  })
}

/** What became of a request that got no answer, or one that was cut short. */
export function unread(url: string, cause: unknown, tries = ''): SourceError {
  const message = `${url}: ${cause instanceof Error ? cause.message : String(cause)}${tries}`
  // fetch's own: everything this program throws itself is of another kind.
  const Kind = cause instanceof TypeError ? UnreachableError : SourceError
  return new Kind(message, { cause })
}

function checkRange(name: string, start: number, end: number, byteLength: number): void {
  if (
    !(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= byteLength)
  ) {
    throw new SourceError(`${name}: expected a range within 0..${byteLength}, got ${start}..${end}`)
  }
}
