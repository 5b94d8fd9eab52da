import { openFile } from '../../data/folder.ts'
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

/**
 * A request as the generator takes it; its random numbers follow from its images, prompt and context, not from its place.
 * @throws {SourceError} for an image that cannot be had, {PromptError} and others with the request's images in front.
 */
export async function encodeRequest(
  encoder: PromptEncoder,
  { images, prompt, isVerbatim = false, context = '', candidates = 1, seed = 0, round = 0 }: GenerateRequest,
  signal: AbortSignal,
): Promise<EncodedRequest> {
  const bytes: Uint8Array<ArrayBuffer>[] = []
  for (const image of images) {
    const source = await openFile(image, signal)
    bytes.push(await source.read(0, source.byteLength, signal))
  }
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
  return { request: { prefix, candidates, seed, round, image, prompt: key }, imageHashes, context }
}

/** 32 bits that stand for a value. */
async function numberFrom(value: unknown): Promise<number> {
  return Number.parseInt((await sha256(new TextEncoder().encode(JSON.stringify(value)))).slice(0, 8), 16)
}
