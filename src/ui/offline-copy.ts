import { TAKE_OVER } from '../offline/messages.ts'

/**
 * `absent`: this browser or address keeps none. `unasked`: this browser is to save data, so that it waits to be asked. `keeping`: the first one is being fetched. `kept`: the page works without
 * network. `failed`: it could not be kept, and the next visit tries again. `newer`: a new version waits beside the one in
 * use. `replaced`: another tab has taken the new version, and this one is of the old.
 */
export type OfflineState = 'absent' | 'unasked' | 'keeping' | 'kept' | 'failed' | 'newer' | 'replaced'

/** The part of `navigator.serviceWorker` that is used. */
export type ServiceWorkers = Pick<
  ServiceWorkerContainer,
  'controller' | 'register' | 'getRegistration' | 'addEventListener' | 'removeEventListener'
>

/**
 * The copy of the site that a service worker keeps, so that the page opens without network. A new version is told and never
 * taken unasked. Dispatches `change`.
 */
export class OfflineCopy extends EventTarget {
  readonly #workers: ServiceWorkers | undefined
  readonly #reload: () => void
  readonly #savesData: boolean
  #registration: ServiceWorkerRegistration | undefined
  #state: OfflineState = 'absent'
  #isTaking = false

  /**
   * @param workers default the browser's, which are absent where the address is not secure. @param savesData whether little is to
   *   be fetched. Default what the browser says, where it does.
   */
  constructor(
    workers: ServiceWorkers | undefined = navigator.serviceWorker as ServiceWorkers | undefined,
    reload: () => void = () => location.reload(),
    savesData = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData ?? false,
  ) {
    super()
    this.#workers = workers
    this.#reload = reload
    this.#savesData = savesData
  }

  get state(): OfflineState {
    return this.#state
  }

  /**
   * Has the site kept, once the page itself is there. @param site address of its folder. @param isAsked by the visitor. Default
   * not: then it is kept only where data need not be saved, or where it is kept already.
   */
  async keep(site: string, isAsked = false): Promise<void> {
    const workers = this.#workers
    if (!workers) return
    await whenLoaded()
    if (this.#savesData && !isAsked && !(await workers.getRegistration(site))) {
      this.#set('unasked')
      return
    }
    const wasControlled = workers.controller !== null
    workers.addEventListener('controllerchange', () => {
      if (this.#isTaking) this.#reload()
      else if (wasControlled) this.#set('replaced')
    })
    try {
      const script = new URL('service-worker.js', site)
      this.#registration = await workers.register(script, { updateViaCache: 'none' })
    } catch {
      this.#set('failed') // no network at a first visit, or a browser that keeps nothing
      return
    }
    this.#registration.addEventListener('updatefound', () => this.#follow())
    this.#follow()
  }

  /** Lets the new version take over and loads the page anew. */
  take(): void {
    this.#isTaking = true
    if (this.#state === 'replaced') this.#reload()
    else this.#registration?.waiting?.postMessage(TAKE_OVER)
  }

  /** Looks at what the registration has now, and again when that changes. */
  #follow(): void {
    const { installing, waiting, active } = this.#registration ?? {}
    if (this.#state === 'replaced') return
    if (waiting && active) this.#set('newer')
    else if (active) this.#set('kept')
    else if (installing || waiting) this.#set('keeping')
    else this.#set('failed')
    const coming = installing ?? waiting
    coming?.addEventListener('statechange', () => this.#follow(), { once: true })
  }

  #set(state: OfflineState): void {
    this.#state = state
    this.dispatchEvent(new Event('change'))
  }
}

async function whenLoaded(): Promise<void> {
  if (document.readyState !== 'complete')
    await new Promise((resolve) => window.addEventListener('load', resolve, { once: true }))
}
