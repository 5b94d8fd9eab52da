import { expect, test } from 'vitest'
import { type Folder, openFile, openFolder } from '../../src/data/folder.ts'

const BODY = 'weights'

/** A server with one file, which knows ranges. */
const serve: typeof fetch = async (input, init) => {
  const url = new URL(String(input))
  if (url.hostname === 'down.test') throw new TypeError('Failed to fetch')
  if (url.pathname !== '/m/onnx/a%20b%23.bin') return new Response(null, { status: 404 })
  if (init?.method === 'HEAD') return new Response(null)
  const [, from, to] = /(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? []
  const headers = { 'content-range': `bytes ${from}-${to}/${BODY.length}` }
  return new Response(BODY.slice(Number(from), Number(to) + 1), { status: 206, headers })
}

const text = async (folder: Folder, path: string): Promise<string | undefined> => {
  const source = await folder.open(path)
  return source && new TextDecoder().decode(await source.read(0, source.byteLength))
}

test.each(['https://hub.test/m', 'https://hub.test/m/'])('%s opens as a folder', async (url) => {
  const folder = openFolder({ url }, { fetch: serve })
  expect(await text(folder, 'onnx/a b#.bin')).toBe(BODY)
  expect(await folder.open('config.json')).toBeUndefined()
})

test('a server of a single-page application sends its page for files it does not have', async () => {
  const page: typeof fetch = async () =>
    new Response('<!doctype html>', { headers: { 'content-type': 'text/html;charset=utf-8' } })
  const folder = openFolder({ url: 'https://app.test/m' }, { fetch: page })
  expect(await folder.open('config.json')).toBeUndefined()
  expect(await folder.open('README.html')).toBeDefined()
})

test('a server that does not answer is an error, not a missing file', async () => {
  const folder = openFolder({ url: 'https://down.test/m' }, { fetch: serve })
  await expect(folder.open('config.json')).rejects.toThrow('https://down.test/m/config.json: Failed to fetch')
})

test('files by their path open as a folder', async () => {
  const folder = openFolder({ name: 'picked', files: { 'a/b.json': new Blob(['{}']) } })
  expect(await text(folder, 'a/b.json')).toBe('{}')
  expect((await folder.open('a/b.json'))?.name).toBe('picked/a/b.json')
  expect(await folder.open('constructor')).toBeUndefined()
  expect((await openFile({ name: 'x', blob: new Blob(['123']) })).byteLength).toBe(3)
})
