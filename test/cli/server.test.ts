import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SiteServer, serveSite } from '../../src/cli/server.ts'

let folder: string
let server: SiteServer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'site-'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>site</title>')
  writeFileSync(join(folder, 'model.wasm'), 'x')
  server = await serveSite(folder)
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

test('pages and modules come cross-origin isolated and with their types', async () => {
  const page = await fetch(server.url)
  expect(page.status).toBe(200)
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
  expect(page.headers.get('content-type')).toContain('text/html')
  const wasm = await fetch(new URL('model.wasm', server.url))
  expect(wasm.headers.get('content-type')).toBe('application/wasm')
})

test('what is not there is not found, and nothing outside the folder is', async () => {
  expect((await fetch(new URL('nothing.js', server.url))).status).toBe(404)
  const status = await new Promise((resolve, reject) => {
    // `fetch` would tidy the path up.
    request(server.url, { path: '/../../etc/passwd' }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end()
  })
  expect(status).toBe(404)
})

test('a port in use is an error, not a silent other port', async () => {
  const port = Number(new URL(server.url).port)
  await expect(serveSite(folder, port)).rejects.toThrow(`port ${port}: expected a free one`)
})
