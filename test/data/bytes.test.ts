import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { blobSource, urlSource } from '../../src/data/bytes.ts'
import { openFolder } from '../../src/data/folder.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256)
const closers: (() => void)[] = []

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
}

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
  const body = bytes.slice(Number(start), Number(end) + 1)
  response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${bytes.length}` }).end(body)
}

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

test('reads ranges of a file on a server, in chunks, asking for nothing else', async () => {
  const asked: string[] = []
  const url = await serve((request, response) => {
    asked.push(request.headers.range ?? 'all')
    sendRange(request, response)
  })
  const source = await urlSource(url, { chunkByteLength: 100 })
  expect(source.byteLength).toBe(1000)
  expect(await source.read(50, 300)).toEqual(bytes.slice(50, 300))
  expect(asked).toEqual(['bytes=0-0', 'bytes=50-149', 'bytes=150-249', 'bytes=250-299'])
})

test('a broken connection and a busy server are tried again, chunk by chunk', async () => {
  let requests = 0
  const url = await serve((request, response) => {
    requests++
    if (requests === 3) response.destroy()
    else if (requests === 4) response.writeHead(503).end()
    else sendRange(request, response)
  })
  const source = await urlSource(url, { chunkByteLength: 100, retryDelayMs: 1 })
  expect(await source.read(0, 300)).toEqual(bytes.slice(0, 300))
  expect(requests).toBe(6)
})

test('a file cut short on the way is tried again, then reported', async () => {
  const url = await serve((request, response) => {
    if (request.headers.range === 'bytes=0-0') return sendRange(request, response)
    response.writeHead(206, { 'content-range': 'bytes 0-9/1000' }).end(bytes.slice(0, 5))
  })
  const source = await urlSource(url, { retries: 2, retryDelayMs: 1 })
  await expect(source.read(0, 10)).rejects.toThrow('expected 10 bytes, got 5, after 3 tries')
})

test('a missing file is reported at once', async () => {
  let requests = 0
  const url = await serve((_, response) => {
    requests++
    response.writeHead(404).end()
  })
  await expect(urlSource(url)).rejects.toThrow('the server answered 404')
  expect(requests).toBe(1)
})

test.each([401, 403])(
  'a file that is not for everybody (%i) is told so at once, in the server’s words',
  async (status) => {
    let requests = 0
    const url = await serve((_, response) => {
      requests++
      response.writeHead(status, { 'x-error-message': 'Access to model org/name is restricted.' }).end()
    })
    for (const read of [urlSource(url), openFolder({ url }).open('config.json')])
      await expect(read).rejects.toMatchObject({
        name: 'RefusedError',
        message: expect.stringMatching(
          `the server answered ${status} Access to model org/name is restricted.`,
        ),
      })
    expect(requests).toBe(2)
  },
)

test('a server that does not answer is told apart from one that answers badly', async () => {
  const gone = 'http://127.0.0.1:1/file'
  const options = { retries: 1, retryDelayMs: 1 }
  await expect(urlSource(gone, options)).rejects.toMatchObject({
    name: 'UnreachableError',
    message: expect.stringMatching(/after 2 tries$/),
  })
  await expect(openFolder({ url: gone }).open('a')).rejects.toMatchObject({ name: 'UnreachableError' })
  const busy = await serve((_, response) => response.writeHead(503).end())
  await expect(urlSource(busy, options)).rejects.toMatchObject({ name: 'SourceError' })
})

test('a server that knows no ranges sends the file once', async () => {
  let requests = 0
  const url = await serve((_, response) => {
    requests++
    response.writeHead(200).end(bytes)
  })
  const source = await urlSource(url)
  expect(await source.read(10, 20)).toEqual(bytes.slice(10, 20))
  expect(await source.read(900, 1000)).toEqual(bytes.slice(900))
  expect(requests).toBe(1)
})

test('cancelling stops the retries', async () => {
  const controller = new AbortController()
  const url = await serve((request, response) => {
    if (request.headers.range === 'bytes=0-0') return sendRange(request, response)
    controller.abort()
    response.destroy()
  })
  const source = await urlSource(url, { retryDelayMs: 60_000 })
  await expect(source.read(0, 10, controller.signal)).rejects.toThrow('abort')
})

test('cancelling ends the wait before a retry', async () => {
  const controller = new AbortController()
  let isBusy = false
  const url = await serve((request, response) => {
    if (!isBusy) return sendRange(request, response)
    response.writeHead(503).end()
    setTimeout(() => controller.abort(), 50)
  })
  const source = await urlSource(url, { retryDelayMs: 60_000 })
  isBusy = true
  await expect(source.read(0, 10, controller.signal)).rejects.toThrow('abort')
})

test('a blob is read by slices, and never past its end', async () => {
  const source = blobSource(new Blob([bytes]), 'picked.safetensors')
  expect(await source.read(998, 1000)).toEqual(bytes.slice(998))
  await expect(source.read(990, 1001)).rejects.toThrow(
    'picked.safetensors: expected a range within 0..1000, got 990..1001',
  )
})
