import { sha256 } from '../data/sha256.ts'
import { imageTextScore, PLAIN_PHRASES, TEXT_PHRASES } from '../method/image-text.ts'
import type { Store } from '../store/store.ts'
import { vectorKey } from '../store/vectors.ts'
import type { ClipInfo } from '../workers/clip.api.ts'
import { cancellable } from './cancellable.ts'
import type { ClipClient } from './client.ts'
import { imageFile } from './image-file.ts'

/** A picture by its name and the SHA-256 of its bytes. */
export interface ImageKey {
  readonly name: string
  readonly hash: string
}

/** A picture and the texts to be scored on it. */
export interface OwnTexts {
  readonly image: ImageKey
  readonly texts: readonly string[]
}

/** CLIP with a memory: embeddings are kept by content, in the store, from one run to the next. */
export class ClipEmbedder {
  readonly #client: ClipClient
  readonly #info: ClipInfo
  readonly #store: Pick<Store, 'images' | 'embeddings'>
  readonly #signal: AbortSignal
  /** Those of the texts asked for last; undefined for those past the context. */
  #texts = new Map<string, Float32Array<ArrayBuffer> | undefined>()
  #used = new Set<string>()

  constructor(
    client: ClipClient,
    info: ClipInfo,
    store: Pick<Store, 'images' | 'embeddings'>,
    signal: AbortSignal,
  ) {
    this.#client = client
    this.#info = info
    this.#store = store
    this.#signal = signal
  }

  /** Keys of the embeddings used since the last call, which whoever used them refers to, so that they are kept as long. */
  takeUsed(): string[] {
    const used = [...this.#used]
    this.#used = new Set()
    return used
  }

  /** Unit embeddings of pictures, in their order. */
  async embedImages(images: readonly ImageKey[]): Promise<Float32Array<ArrayBuffer>[]> {
    return await this.#cached(
      images.map(({ hash }) => hash),
      async (missing) => {
        const files = await Promise.all(missing.map((i) => imageFile(this.#store, images[i] as ImageKey)))
        return await this.#client.embedImages(files)
      },
    )
  }

  /** Unit embeddings of texts; undefined for a text that is past CLIP's context. */
  async embedTexts(texts: readonly string[]): Promise<(Float32Array<ArrayBuffer> | undefined)[]> {
    const unique = [...new Set(texts)]
    const counts = await this.#client.countTokens(unique)
    const fitting = unique.filter((_, i) => (counts[i] ?? 0) <= this.#info.contextLength)
    const hashes = await Promise.all(fitting.map((text) => sha256(new TextEncoder().encode(text))))
    const embedded = await this.#cached(hashes, (missing) =>
      this.#client.embedTexts(missing.map((i) => fitting[i] ?? '')),
    )
    const found = new Map(fitting.map((text, i) => [text, embedded[i]]))
    return texts.map((text) => found.get(text))
  }

  /** Each picture's scores of its own texts, 100 x cosine; texts past the context have none. */
  async score(owned: readonly OwnTexts[]): Promise<ReadonlyMap<string, number>[]> {
    const images = await this.embedImages(owned.map(({ image }) => image))
    const texts = [...new Set(owned.flatMap(({ texts: own }) => own))]
    const embedded = await this.embedTexts(texts)
    this.#texts = new Map(texts.map((text, i) => [text, embedded[i]]))
    const scored = owned.map(({ texts: own }) => own.filter((text) => this.#texts.get(text)))
    const offsets = new Uint32Array(owned.length + 1)
    scored.forEach((own, i) => {
      offsets[i + 1] = (offsets[i] ?? 0) + own.length
    })
    const rows = scored.flatMap((own) => own.map((text) => this.#texts.get(text) as Float32Array))
    const dim = this.#info.projectionDim
    const { scores } = await cancellable(this.#signal, this.#client, () =>
      this.#client.score({ images: joined(images, dim), texts: joined(rows, dim), offsets, dim }),
    )
    return scored.map((own, i) => new Map(own.map((text, t) => [text, scores[(offsets[i] ?? 0) + t] ?? 0])))
  }

  /** 100 x the scalar product of a text scored last and a vector, such as the pictures' mean. */
  dot(text: string, vector: ArrayLike<number>): number {
    const embedding = this.#texts.get(text)
    if (!embedding) throw new RangeError(`clip: expected a text that was scored, got ${JSON.stringify(text)}`)
    return 100 * embedding.reduce((sum, value, d) => sum + value * (vector[d] ?? 0), 0)
  }

  /** How much writing each picture shows, by its hash; see `imageTextScore`. */
  async imageText(images: readonly ImageKey[]): Promise<Record<string, number>> {
    const unique = [...new Map(images.map((image) => [image.hash, image])).values()]
    const texts = [...TEXT_PHRASES, ...PLAIN_PHRASES]
    const scores = await this.score(unique.map((image) => ({ image, texts })))
    const read = (own: ReadonlyMap<string, number> | undefined, phrases: readonly string[]): number[] =>
      phrases.flatMap((phrase) => own?.get(phrase) ?? [])
    return Object.fromEntries(
      unique.map(({ hash }, i) => [
        hash,
        imageTextScore(read(scores[i], TEXT_PHRASES), read(scores[i], PLAIN_PHRASES)),
      ]),
    )
  }

  /** Index of the likeliest class of each embedding. @param classes unit embeddings. */
  async classify(embeddings: readonly Float32Array[], classes: readonly Float32Array[]): Promise<number[]> {
    const dim = this.#info.projectionDim
    const pairs = { images: joined(embeddings, dim), texts: joined(classes, dim), dim }
    const { indices } = await cancellable(this.#signal, this.#client, () => this.#client.classify(pairs, 1))
    return [...indices]
  }

  /** Takes what the store has and has the rest made, by the places of what is missing. */
  async #cached(
    hashes: readonly string[],
    make: (missing: readonly number[]) => Promise<Float32Array<ArrayBuffer>>,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const keys = hashes.map((hash) => vectorKey(this.#info.hash, hash))
    for (const key of keys) this.#used.add(key)
    const found = await this.#store.embeddings.getMany(keys)
    const missing = found.flatMap((vector, i) => (vector ? [] : [i]))
    if (missing.length > 0) {
      const made = await cancellable(this.#signal, this.#client, () => make(missing))
      const dim = this.#info.projectionDim
      const vectors = missing.map((_, k) => made.slice(k * dim, (k + 1) * dim))
      await this.#store.embeddings.setMany(
        missing.map((i, k) => [keys[i] ?? '', vectors[k] as Float32Array<ArrayBuffer>] as const),
      )
      missing.forEach((i, k) => {
        found[i] = vectors[k]
      })
    }
    return found as Float32Array<ArrayBuffer>[]
  }
}

function joined(rows: readonly Float32Array[], dim: number): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(rows.length * dim)
  rows.forEach((row, i) => {
    whole.set(row, i * dim)
  })
  return whole
}
