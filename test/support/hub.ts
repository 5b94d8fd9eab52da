import { readFileSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { BrowserContext, Route } from 'playwright-core'

/** A Hugging Face hub made up for a test: what it has, and what it was asked. */
export interface FakeHub {
  /** `METHOD path`, of the host of large files `METHOD large path`, of every request in their order. */
  readonly requests: string[]
  /** Paths of large files whose sending breaks off, for as long as they are in it. */
  readonly broken: Set<string>
  /** From now on nothing answers. */
  isDown: boolean
  close(): void
}

const HUB = 'https://huggingface.co'
/** As the hub has them: without the list scripts would see none of these. */
const OPEN = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': 'ETag, Content-Range, X-Error-Message',
}

/**
 * Puts itself in the hub's place for a browser. `org/good` has the files of a folder: texts told packed by HEAD and sent unpacked
 * by ranges, all else by way of another host, as the hub does. `org/gated` and `org/private` refuse, `org/empty` has nothing,
 * `org/closed` has a host of large files that lets no other site read them, `org/busy` answers only the third time.
 */
export async function openHub(context: BrowserContext, folder: string): Promise<FakeHub> {
  const large = createServer((request, response) => sendLarge(request, response))
  await new Promise<void>((resolve) => large.listen(0, '127.0.0.1', resolve))
  const largeUrl = `http://127.0.0.1:${(large.address() as AddressInfo).port}`
  const hub: FakeHub = { requests: [], broken: new Set(), isDown: false, close: () => large.close() }
  let busy = 0

  const placeOf = (pathname: string) => {
    const [, owner, name, , , ...rest] = pathname.split('/')
    const path = rest.join('/')
    const size = statSync(join(folder, path), { throwIfNoEntry: false })?.size
    return { owner, name, path, size }
  }
  const part = (path: string, start: number, end: number): Buffer =>
    readFileSync(join(folder, path)).subarray(start, end + 1)

  await context.route(`${HUB}/**`, async (route: Route) => {
    const request = route.request()
    const { pathname } = new URL(request.url())
    const method = request.method()
    hub.requests.push(`${method} ${pathname}`)
    if (hub.isDown) return await route.abort('internetdisconnected')
    if (method === 'OPTIONS') return await route.fulfill({ status: 204, headers: OPEN })
    const { owner, name, path, size } = placeOf(pathname)
    const refuse = (status: number, message: string) =>
      route.fulfill({ status, headers: { ...OPEN, 'x-error-message': message } })
    if (owner !== 'org') return await refuse(401, 'Repository not found')
    if (name === 'gated') return await refuse(403, 'Access to model org/gated is restricted.')
    if (name === 'private') return await refuse(401, 'Invalid credentials in Authorization header')
    if (name === 'empty' || size === undefined) return await refuse(404, 'Entry not found')
    if (!/\.(json|txt|jinja)$/.test(path))
      return await route.fulfill({ status: 302, headers: { ...OPEN, location: `${largeUrl}${pathname}` } })
    const headers = { ...OPEN, 'content-type': 'text/plain; charset=utf-8' }
    if (method === 'HEAD') {
      const packed = { etag: 'W/"1"', 'content-length': `${Math.ceil(size / 3)}` }
      return await route.fulfill({ status: 200, headers: { ...headers, ...packed } })
    }
    if (name === 'busy' && busy++ < 2) return await route.fulfill({ status: 503, headers: OPEN })
    const [, start = '0', end = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers().range ?? '') ?? []
    await route.fulfill({
      status: 206,
      headers: { ...headers, etag: '"1"', 'content-range': `bytes ${start}-${end}/${size}` },
      body: part(path, Number(start), Number(end)),
    })
  })

  function sendLarge(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = request
    hub.requests.push(`${method} large ${url}`)
    const { name, path, size = 0 } = placeOf(url)
    const open = name === 'closed' ? {} : OPEN
    if (hub.isDown) response.destroy()
    else if (method === 'OPTIONS') response.writeHead(204, open).end()
    else if (method === 'HEAD')
      response.writeHead(200, { ...open, etag: '"1"', 'content-length': size }).end()
    else {
      const [, start = '0', end = '0'] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
      const body = part(path, Number(start), Number(end))
      response.writeHead(206, {
        ...open,
        etag: '"1"',
        'content-length': body.length,
        'content-range': `bytes ${start}-${end}/${size}`,
      })
      if (!hub.broken.has(path)) response.end(body)
      else response.write(body.subarray(0, body.length / 2), () => response.destroy())
    }
  }
  return hub
}
