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

/**
 * Requests as the generator takes them; their random numbers follow from images, prompt and context, not from the place.
 * @throws {SourceError} for an image that cannot be had, {PromptError} and others with the request's images in front.
 */
export async function encodeRequests(
  encoder: PromptEncoder,
  requests: readonly GenerateRequest[],
  signal: AbortSignal,
): Promise<EncodedRequest[]> {
  const encoded: EncodedRequest[] = []
  for (let first = 0; first < requests.length; first += REQUESTS_AHEAD) {
    signal.throwIfAborted()
    const part = requests.slice(first, first + REQUESTS_AHEAD)
    const images = await Promise.all(part.map(({ images }) => readImages(images, signal)))
    await encoder.prepare(images, signal)
    for (const [i, request] of part.entries())
      encoded.push(await encodeRequest(encoder, request, images[i] ?? []))
  }
  return encoded
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
