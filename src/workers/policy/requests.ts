import { type FileSpec, openFile } from '../../data/folder.ts'
import { sha256 } from '../../data/sha256.ts'
import type { Prefix } from '../../models/decoder/batch.ts'
import type { GenerationRequest } from '../../models/decoder/generation.ts'
import type { PromptEncoder } from '../../models/prompt-encoder.ts'
import { atRow } from '../../models/training-pairs.ts'
import type { GenerateRequest } from '../policy.api.ts'

/** A request ready for the generator, and what its answers are told with. */
export interface EncodedRequest {
  readonly request: GenerationRequest
  readonly imageHashes: readonly string[]
  readonly context: string
}

/** Requests whose images are read and computed together. */
const REQUESTS_AHEAD = 16

/** Most image features of a part, in bytes. */
const PART_BYTES = 2 ** 28

/**
 * Requests as the generator takes them, a part at a time, so that the features of all images are never held at once; their
 * random numbers follow from images, prompt and context, not from the place.
 * @param maxBytes of image features in a part of several requests. Default 256 MiB.
 * @throws {SourceError} for an image that cannot be had, {PromptError} and others with the request's images in front.
 */
export async function* encodeParts(
  encoder: PromptEncoder,
  requests: readonly GenerateRequest[],
  signal: AbortSignal,
  maxBytes = PART_BYTES,
): AsyncGenerator<readonly EncodedRequest[]> {
  let part: EncodedRequest[] = []
  let bytes = 0
  for (let first = 0; first < requests.length; first += REQUESTS_AHEAD) {
    signal.throwIfAborted()
    const ahead = requests.slice(first, first + REQUESTS_AHEAD)
    const images = await Promise.all(ahead.map((request) => readImages(request.images, signal)))
    await encoder.prepare(images, signal)
    for (const [i, request] of ahead.entries()) {
      const encoded = await encodeRequest(encoder, request, images[i] ?? [])
      const added = encoded.request.prefix.features?.byteLength ?? 0
      if (part.length > 0 && bytes + added > maxBytes) {
        yield part
        part = []
        bytes = 0
      }
      part.push(encoded)
      bytes += added
    }
  }
  if (part.length > 0) yield part
}

/** All parts of `encodeParts`, for a few requests. */
export async function encodeRequests(
  encoder: PromptEncoder,
  requests: readonly GenerateRequest[],
  signal: AbortSignal,
): Promise<EncodedRequest[]> {
  const all: EncodedRequest[] = []
  for await (const part of encodeParts(encoder, requests, signal)) all.push(...part)
  return all
}

async function readImages(
  images: readonly FileSpec[],
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const bytes: Uint8Array<ArrayBuffer>[] = []
  for (const image of images) {
    const source = await openFile(image, signal)
    bytes.push(await source.read(0, source.byteLength, signal))
  }
  return bytes
}

async function encodeRequest(
  encoder: PromptEncoder,
  { images, prompt, isVerbatim = false, context = '', seed = 0, round = 0, ...answers }: GenerateRequest,
  bytes: readonly Uint8Array<ArrayBuffer>[],
): Promise<EncodedRequest> {
  const imageHashes = await Promise.all(bytes.map(sha256))
  const where = images.map((image) => ('url' in image ? image.url : image.name)).join(', ') || 'a request'
  const prefix = await atRow(where, async (): Promise<Prefix> => {
    const asked = typeof prompt === 'string' && !isVerbatim ? encoder.userPrompt(prompt) : prompt
    const text = encoder.renderPrompt(asked, images.length, context)
    return (await encoder.encode(bytes, text, [])).prefix
  })
  const [image, key] = await Promise.all([
    numberFrom(imageHashes),
    numberFrom(context === '' ? prompt : [prompt, context]),
  ])
  const { candidates = 1, firstIsGreedy = false } = answers
  return {
    request: { prefix, candidates, firstIsGreedy, seed, round, image, prompt: key },
    imageHashes,
    context,
  }
}

/** 32 bits that stand for a value. */
async function numberFrom(value: unknown): Promise<number> {
  return Number.parseInt((await sha256(new TextEncoder().encode(JSON.stringify(value)))).slice(0, 8), 16)
}
