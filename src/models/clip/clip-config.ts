import * as v from 'valibot'
import { readSchema } from '../../method/schema.ts'
import { ConfigError } from '../config-error.ts'

/** What a CLIP's `config.json` says that embedding needs to know. */
export interface ClipConfig {
  /** Numbers in an embedding. */
  projectionDim: number
  /** Most tokens of a text, the two around it included. */
  contextLength: number
  /** Width and height of the images the vision tower takes, in pixels. */
  imageSize: number
}

const size = (otherwise: number) => v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1)), otherwise)
const schema = v.looseObject({
  model_type: v.string(),
  projection_dim: size(512),
  text_config: v.nullish(v.looseObject({ max_position_embeddings: size(77) }), {}),
  vision_config: v.nullish(v.looseObject({ image_size: size(224) }), {}),
})

/**
 * Reads a `config.json` of transformers' `CLIPModel`, with its defaults.
 * @throws {ConfigError} naming the setting, what was expected and what came.
 */
export function parseClipConfig(json: unknown): ClipConfig {
  const fail = (message: string) => new ConfigError(`config.json: ${message}`)
  const config = readSchema(schema, json, fail)
  if (config.model_type !== 'clip')
    throw fail(
      `model_type: expected clip, got ${config.model_type}; other kinds read and pad texts in other ways`,
    )
  return {
    projectionDim: config.projection_dim,
    contextLength: config.text_config.max_position_embeddings,
    imageSize: config.vision_config.image_size,
  }
}
