import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A browser's way to everything but this computer, which leads nowhere and is watched. */
export interface Outside {
  /** `method host` of every request but the browser's own calls home, which say nothing of the page. */
  readonly requests: readonly string[]
  /** Writes a program that starts a browser whose only way out this is. */
  writeBrowser(path: string, browser: string): void
  close(): void
}

/** Chromium's updates, accounts and clock. */
const OWN_CALLS = /(^|\.)(google|googleapis)\.com(:\d+)?$/

/** Watches what leaves this computer. */
export async function watchOutside(): Promise<Outside> {
  const requests: string[] = []
  const note = (method: string, host: string): void => {
    if (!OWN_CALLS.test(host)) requests.push(`${method} ${host}`)
  }
  const proxy = createServer(({ method = '', url = '' }, response) => {
    note(method, new URL(url).host)
    response.writeHead(404, { 'Access-Control-Allow-Origin': '*' }).end()
  })
  proxy.on('connect', ({ url = '' }, socket) => {
    note('CONNECT', url)
    socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  return {
    requests,
    writeBrowser(path, browser) {
      writeFileSync(path, `#!/bin/sh\nexec '${browser}' --proxy-server=http://127.0.0.1:${port} "$@"\n`)
      chmodSync(path, 0o755)
    },
    close() {
      proxy.close()
      proxy.closeAllConnections()
    },
  }
}
