import { afterEach, describe, expect, test } from 'vitest'
import { openFolder } from '../../src/data/folder.ts'
import { Downloads } from '../../src/store/downloads.ts'
import { Shelf } from '../../src/store/shelf.ts'
import { bytesOf, Raw, removeStore, type TestStore, testStore } from '../support/store.ts'

const made: TestStore[] = []
afterEach(() => {
  for (const store of made.splice(0)) removeStore(store)
})

/** A server of a few files that counts what it sends, and may be cut off. */
function serve(files: Record<string, Uint8Array<ArrayBuffer>>) {
  const server = {
    sent: 0,
    requests: [] as string[],
    isDown: false,
    /** Ranges it answers before it is cut off. */
    left: Number.POSITIVE_INFINITY,
    etag: '"1"',
    knowsNoRanges: false,
    headers: {} as Record<string, string>,
    fetch: (async (input, init = {}) => {
      const { method = 'GET' } = init
      if (server.isDown) throw new TypeError('Failed to fetch')
      server.requests.push(`${method} ${String(input)}`)
      const file = files[String(input).replace('https://x/', '')]
      if (!file) return new Response(null, { status: 404 })
      const headers = { etag: server.etag, ...server.headers }
      if (method === 'HEAD')
        return new Response(null, { headers: { ...headers, 'content-length': `${file.length}` } })
      const [, start, end] = /bytes=(\d+)-(\d+)/.exec(new Headers(init.headers).get('range') ?? '') ?? []
      const part = file.slice(Number(start), Number(end) + 1)
      if (server.knowsNoRanges) return new Response(file, { headers })
      if (server.left-- <= 0) throw new TypeError('connection lost')
      server.sent += part.length
      const range = `bytes ${start}-${Number(start) + part.length - 1}/${file.length}`
      return new Response(part, { status: 206, headers: { ...headers, 'content-range': range } })
    }) as typeof fetch,
  }
  return server
}

function withEtag(response: Response, etag: string): Response {
  const headers = new Headers(response.headers)
  headers.set('etag', etag)
  return new Response(response.body, { status: response.status, headers })
}

function fresh() {
  const store = testStore()
  made.push(store)
  return store
}

const FILE = bytesOf(1000)
const open = (downloads: Downloads, options = {}) =>
  openFolder({ url: 'https://x/' }, { fetch: downloads.fetch, retries: 0, ...options })
const readAll = async (downloads: Downloads) => {
  const source = await open(downloads).open('m/model.bin')
  return source && (await source.read(0, source.byteLength))
}

describe('a download', () => {
  test('is fetched once; the second visit needs no network', async () => {
    const { options } = fresh()
    const server = serve({ 'm/model.bin': FILE })
    const visit = () =>
      new Downloads({ shelf: new Shelf('models', options), fetch: server.fetch, chunkByteLength: 300 })
    expect(await readAll(visit())).toEqual(FILE)
    expect(await open(visit()).open('m/none.bin')).toBeUndefined()
    expect(server.sent).toBe(1000)
    expect(await readAll(visit())).toEqual(FILE)
    expect(server.sent).toBe(1000)
    server.isDown = true
    const offline = visit()
    expect(await readAll(offline)).toEqual(FILE)
    expect(await open(offline).open('m/none.bin')).toBeUndefined()
    await expect(open(offline).open('m/other.bin')).rejects.toThrow('Failed to fetch')
  })

  test('fetches only the chunks that are read', async () => {
    const server = serve({ 'm/model.bin': FILE })
    const shelf = new Shelf('models', fresh().options)
    const downloads = new Downloads({ shelf, fetch: server.fetch, chunkByteLength: 100 })
    const source = await open(downloads).open('m/model.bin')
    expect(await source?.read(250, 420)).toEqual(FILE.slice(250, 420))
    expect(await source?.read(260, 270)).toEqual(FILE.slice(260, 270))
    expect(await downloads.list()).toEqual([
      { url: 'https://x/m/model.bin', byteLength: 1000, keptBytes: 300 },
    ])
    expect(server.sent).toBe(300)
  })

  test('that broke off goes on where it stopped', async () => {
    const server = serve({ 'm/model.bin': FILE })
    const shelf = new Shelf('models', fresh().options)
    const visit = () => new Downloads({ shelf, fetch: server.fetch, chunkByteLength: 100 })
    server.left = 4
    await expect(readAll(visit())).rejects.toThrow('connection lost')
    expect(await visit().byteLength()).toBe(400)
    server.left = Number.POSITIVE_INFINITY
    expect(await readAll(visit())).toEqual(FILE)
    expect(server.sent).toBe(1000)
  })

  test('is made anew when the file has changed', async () => {
    const files = { 'm/model.bin': FILE }
    const server = serve(files)
    const shelf = new Shelf('models', fresh().options)
    const visit = () => new Downloads({ shelf, fetch: server.fetch, chunkByteLength: 300 })
    await readAll(visit())
    files['m/model.bin'] = FILE.map((byte) => byte ^ 1)
    server.etag = '"2"'
    expect(await readAll(visit())).toEqual(files['m/model.bin'])
    expect(await visit().byteLength()).toBe(1000)
    const source = await open(new Downloads({ shelf, fetch: server.fetch })).open('m/model.bin')
    server.etag = '"3"'
    await expect(source?.read(0, 10)).rejects.toThrow('the file has changed on the server')
  })

  test('of which a chunk was damaged fetches that chunk again', async () => {
    const store = fresh()
    const server = serve({ 'm/model.bin': FILE })
    const shelf = new Shelf('models', store.options)
    const visit = () => new Downloads({ shelf, fetch: server.fetch, chunkByteLength: 300 })
    await readAll(visit())
    const [, key = []] = (await shelf.keys()).filter(([, kind]) => kind === 'chunk')
    await new Raw(store, 'models').damage(key)
    expect(await readAll(visit())).toEqual(FILE)
    expect(server.sent).toBe(1300)
    expect(store.corruptions).toHaveLength(1)
  })

  test('of a text of another site has its true size, which HEAD tells of the packed one', async () => {
    const server = serve({ 'm/config.json': FILE })
    server.etag = 'W/"1"'
    const shelf = new Shelf('models', fresh().options)
    const packed = (async (input, init = {}) => {
      const response = await server.fetch(input, init)
      if (init.method !== 'HEAD') return withEtag(response, '"1"')
      const headers = { etag: 'W/"1"', 'content-length': '70', 'content-type': 'application/json' }
      const head = new Response(null, { headers })
      Object.defineProperty(head, 'type', { value: 'cors' })
      return head
    }) as typeof fetch
    const source = await open(new Downloads({ shelf, fetch: packed })).open('m/config.json')
    expect(source?.byteLength).toBe(1000)
    expect(await source?.read(0, 1000)).toEqual(FILE)
    server.isDown = true
    const kept = await open(new Downloads({ shelf, fetch: packed })).open('m/config.json')
    expect(await kept?.read(0, 1000)).toEqual(FILE)
  })

  test('of a server that knows no ranges is kept as well', async () => {
    const server = serve({ 'm/model.bin': FILE })
    server.knowsNoRanges = true
    const shelf = new Shelf('models', fresh().options)
    const visit = () => new Downloads({ shelf, fetch: server.fetch, chunkByteLength: 300 })
    expect(await readAll(visit())).toEqual(FILE)
    expect(await readAll(visit())).toEqual(FILE)
    expect(server.requests.filter((request) => request.startsWith('GET'))).toHaveLength(1)
  })

  test('is not kept where the server forbids it', async () => {
    const server = serve({ 'm/model.bin': FILE })
    server.headers = { 'cache-control': 'no-store' }
    const downloads = new Downloads({ shelf: new Shelf('models', fresh().options), fetch: server.fetch })
    expect(await readAll(downloads)).toEqual(FILE)
    expect(await downloads.list()).toEqual([])
  })

  test('is deleted by its address or its folder’s', async () => {
    const server = serve({ 'm/model.bin': FILE, 'n/model.bin': FILE })
    const downloads = new Downloads({ shelf: new Shelf('models', fresh().options), fetch: server.fetch })
    await readAll(downloads)
    await (await open(downloads).open('n/model.bin'))?.read(0, 10)
    await downloads.delete('https://x/m/')
    expect((await downloads.list()).map(({ url }) => url)).toEqual(['https://x/n/model.bin'])
    expect(await readAll(downloads)).toEqual(FILE)
  })
})
