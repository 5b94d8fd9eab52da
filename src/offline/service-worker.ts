import { PrecacheController } from 'workbox-precaching/PrecacheController.js'
import { createPartialResponse } from 'workbox-range-requests/createPartialResponse.js'
import { ISOLATION_HEADERS } from './isolation-headers.ts'
import { TAKE_OVER } from './messages.ts'
import { type SiteFile, siteAnswer } from './site-file.ts'

// The page without network: at the first visit the whole site is kept, models, pictures and ONNX Runtime included. A new
// version is kept beside the one in use and takes over when its page is told to, or when no page of the old one is open.

/** Put here by the build: all files of the site but the command line's. */
declare const SITE_FILES: readonly SiteFile[]

/** What is used here of a service worker's globals: TypeScript's `webworker` library cannot stand beside `dom`. */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
interface ServiceWorkerScope {
  readonly registration: ServiceWorkerRegistration
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

const worker = globalThis as unknown as ServiceWorkerScope
const { scope } = worker.registration
const names = new Set(SITE_FILES.map(({ url }) => url))
const kept = new PrecacheController({ cacheName: `site ${scope}` })
kept.addToCacheList([...SITE_FILES])

worker.addEventListener('install', (event) => void kept.install(event))
worker.addEventListener('activate', (event) => {
  void kept.activate(event)
  event.waitUntil(worker.clients.claim()) // what a first visit loads later comes from here as well
})
worker.addEventListener('message', ({ data }) => {
  if (data === TAKE_OVER) void worker.skipWaiting()
})
worker.addEventListener('fetch', (event) => {
  const { request } = event
  const found = ['GET', 'HEAD'].includes(request.method) ? siteAnswer(request.url, scope, names) : undefined
  if (found === 'missing') event.respondWith(fetch(request).catch(() => new Response(null, { status: 404 })))
  else if (found) event.respondWith(keptResponse(found.kept, request).then(isolated))
})

/** The kept file, or as much of it as is asked for; from the network where the browser has dropped it. */
async function keptResponse(name: string, request: Request): Promise<Response> {
  const response = await kept.matchPrecache(new URL(name, scope).href)
  if (!response) return await fetch(request)
  if (request.method === 'HEAD') return new Response(null, { headers: response.headers })
  return request.headers.has('range') ? await createPartialResponse(request, response) : response
}

/** With the headers of cross-origin isolation, which many static hosts cannot send. */
function isolated(response: Response): Response {
  const missing = Object.entries(ISOLATION_HEADERS).filter(([name]) => !response.headers.has(name))
  if (missing.length === 0 || response.type === 'error') return response
  const headers = new Headers(response.headers)
  for (const [name, value] of missing) headers.set(name, value)
  const { body, status, statusText } = response
  return new Response(body, { status, statusText, headers })
}
