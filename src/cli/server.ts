import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import sirv from 'sirv'
import { ISOLATION_HEADERS } from '../offline/isolation-headers.ts'
import type { Handler } from './files.ts'

/** Another program listens at the port. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError'

  constructor(port: number, cause: unknown) {
    super(`port ${port}: expected a free one, got one that another program uses: end it, or choose another`, {
      cause,
    })
  }
}

export interface SiteServer {
  /** Where the site is, such as `http://localhost:4173/`. */
  url: string
  close(): Promise<void>
}

/**
 * Serves a folder of static files to this computer only, cross-origin isolated.
 * @param port default 0: any free one.
 * @param shared is asked first, for what is not part of the site.
 * @throws {PortInUseError}
 */
export async function serveSite(folder: string, port = 0, shared?: Handler): Promise<SiteServer> {
  const files = sirv(folder, {
    setHeaders(response) {
      for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value)
    },
  })
  const serveFile = (request: IncomingMessage, response: ServerResponse): void =>
    files(request, response, () => {
      response.statusCode = 404
      response.end('not found')
    })
  const server = createServer((request, response) => {
    if (!shared) return serveFile(request, response)
    void shared(request, response).then(
      (isAnswered) => isAnswered || serveFile(request, response),
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  })
  await listen(server, port)
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(port, error) : error),
    )
    server.listen(port, 'localhost', resolve)
  })
}
