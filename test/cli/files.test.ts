import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shareFolders } from '../../src/cli/files.ts'
import { type SiteServer, serveSite } from '../../src/cli/server.ts'
import { urlSource } from '../../src/data/bytes.ts'

let root: string
let server: SiteServer
let base: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'shared-'))
  for (const folder of ['site', 'model/onnx', 'blobs', 'out'])
    mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'site/index.html'), 'site')
  writeFileSync(join(root, 'secret.txt'), 'secret')
  writeFileSync(join(root, 'model/onnx/a b#1.bin'), '0123456789')
  writeFileSync(join(root, 'model/empty'), '')
  writeFileSync(join(root, 'blobs/weights'), 'weights')
  symlinkSync(join(root, 'blobs/weights'), join(root, 'model/model.safetensors'))
  const write = { folder: join(root, 'out'), names: ['adapter.bin', 'last-good/adapter.bin'] }
  const { secret, handle } = shareFolders({ read: { model: join(root, 'model') }, write })
  server = await serveSite(join(root, 'site'), 0, handle)
  base = `${server.url}${secret}/`
})

afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true })
})

const get = (path: string, range?: string): Promise<Response> =>
  fetch(base + path, range === undefined ? {} : { headers: { range } })

/** The status of a path that `fetch` would tidy up. */
async function statusOf(path: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    request(server.url, { path: new URL(base).pathname + path }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end()
  })
}

describe('reading', () => {
  const file = 'model/onnx/a%20b%231.bin'

  test.each([
    [undefined, 200, '0123456789', null],
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=3-5', 206, '345', 'bytes 3-5/10'],
    ['bytes=7-99', 206, '789', 'bytes 7-9/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['lines=1-2', 200, '0123456789', null],
  ])('range %s', async (range, status, body, contentRange) => {
    const response = await get(file, range)
    expect([response.status, await response.text()]).toEqual([status, body])
    expect(response.headers.get('content-range')).toBe(contentRange)
  })

  test('works as a byte source, follows links, and knows empty files', async () => {
    const source = await urlSource(`${base}model/model.safetensors`)
    expect(source.byteLength).toBe(7)
    expect(new TextDecoder().decode(await source.read(0, 1))).toBe('w')
    expect(await (await get('model/empty')).text()).toBe('')
    expect((await fetch(`${base}${file}`, { method: 'HEAD' })).headers.get('content-length')).toBe('10')
  })

  test.each([
    'model/../secret.txt',
    'model/%2e%2e/secret.txt',
    'model/..%2fsecret.txt',
    'model/..%5csecret.txt',
    'model//etc/passwd',
    'model/%2Fetc%2Fpasswd',
    'model/onnx',
    'model/',
    'model',
    'blobs/weights',
    'out/adapter.bin',
    'constructor/name',
    'model/%ff',
  ])('%s is not found', async (path) => {
    expect(await statusOf(path)).toBe(404)
  })

  test('without the secret there is only the site', async () => {
    expect((await fetch(`${server.url}model/empty`)).status).toBe(404)
    expect(await (await fetch(server.url)).text()).toBe('site')
  })
})

describe('writing', () => {
  const put = async (path: string, body = 'x'): Promise<number> =>
    (await fetch(base + path, { method: 'PUT', body })).status

  test('takes the agreed files only, whole', async () => {
    expect(await put('out/adapter.bin', 'first')).toBe(204)
    expect(await put('out/adapter.bin', 'second')).toBe(204)
    expect(await put('out/last-good/adapter.bin', 'third')).toBe(204)
    expect(readFileSync(join(root, 'out/adapter.bin'), 'utf8')).toBe('second')
    expect(readdirSync(join(root, 'out')).sort()).toEqual(['adapter.bin', 'last-good'])
    expect(await put('out/other.bin')).toBe(403)
    expect(await put('out/..%2fmodel%2fempty')).toBe(403)
    expect(await put('model/empty')).toBe(405)
    expect(existsSync(join(root, 'out/other.bin'))).toBe(false)
  })
})
