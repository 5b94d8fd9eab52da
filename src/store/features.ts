import { FloatCache } from './float-cache.ts'
import { Shelf } from './shelf.ts'

/** Image features, kept from one visit to the next; a cache that may lose any of them at any time. */
export class StoredFeatures extends FloatCache {
  /** @param encoder hash of everything that determines them: the graph, the processing, where they are computed. */
  constructor(encoder: string) {
    super(encoder, { shelf: new Shelf('features'), maxBytes: 2 ** 30 })
  }
}
