import { parseLoraConfig } from '../../data/peft.ts'
import type { ModelConfig } from '../../models/config.ts'
import { type AdapterLayout, adapterLayout } from '../../models/decoder/adapter.ts'
import { fitLimits, type Room } from '../../models/decoder/generation-fit.ts'
import { generatorLimits } from '../../models/decoder/generation-groups.ts'
import type { GenerationSize } from '../../models/decoder/generation-memory.ts'
import { formatMemoryPlan, type MemoryPlan, type Recompute } from '../../models/decoder/memory-plan.ts'
import type { PolicyUse } from '../../models/policy-model.ts'
import type { ImageSpace } from '../../models/prompt-encoder.ts'
import type { ExpectedUse, MemoryReport } from '../policy.api.ts'

/**
 * What a caller says it will do with a model, as the plan counts it: no batch shares anything, and all are full; answers are
 * written in groups as the generator makes them.
 * @param model its config.
 * @param largestImage undefined where the model's settings set no limit.
 * @throws {Error} for images without a limit, unless these are left out.
 */
export function expectedMemory(
  {
    peft,
    train,
    generate,
    unlimitedImages = 'refuse',
    recompute,
  }: ExpectedUse & { readonly recompute: Recompute },
  model: ModelConfig,
  largestImage?: ImageSpace,
): PolicyUse {
  const lora = peft === undefined ? undefined : parseLoraConfig(peft, 'peft')
  const limit = largestImage ?? (unlimitedImages === 'leave out' ? { tokens: 0, rows: 0 } : undefined)
  const training = train && prompt(train, limit)
  const generating = generate && prompt(generate, limit)
  return {
    ...(lora ? { lora } : {}),
    ...(train && training
      ? {
          train: {
            rows: {
              tokens: train.pairs * (training.tokens + 2 * train.answerTokens),
              answers: 2 * train.pairs * train.answerTokens,
              sequences: 2 * train.pairs,
              features: train.pairs * training.rows,
            },
            recompute,
            gradientAccumulationSteps: train.gradientAccumulationSteps ?? 1,
          },
        }
      : {}),
    ...(generate && generating
      ? {
          generate: (room: Room) =>
            answersWithin(model, generate, generating, lora && adapterLayout(model, lora), room),
        }
      : {}),
  }
}

/** As much as the generator writes at once within some room. */
function answersWithin(
  { decoder }: ModelConfig,
  { prompts, candidates, maxNewTokens }: NonNullable<ExpectedUse['generate']>,
  { tokens, rows }: ImageSpace,
  layout: AdapterLayout | undefined,
  room: Room,
): GenerationSize {
  const prefix = { ids: { length: tokens }, features: { length: rows * decoder.hiddenSize } }
  const requests = Array.from({ length: prompts }, () => ({ prefix, candidates }))
  const limits = generatorLimits(decoder, maxNewTokens)
  return fitLimits(decoder, { requests, settings: { maxNewTokens }, layout }, limits, room).size
}

/** A prompt's tokens, and how many of them are image features: any, where the number of images is not said. */
function prompt(
  { promptTokens, images }: { readonly promptTokens: number; readonly images?: number },
  largestImage: ImageSpace | undefined,
): ImageSpace {
  if (images === undefined) return { tokens: promptTokens, rows: promptTokens }
  if (!largestImage && images > 0) {
    throw new Error(
      'use: expected no images, because the model has no vision encoder or its settings do not say how many tokens an image may take; count them in promptTokens',
    )
  }
  const { tokens = 0, rows = 0 } = largestImage ?? {}
  return { tokens: promptTokens + images * tokens, rows: images * rows }
}

/** A plan with its table, to be shown. */
export function memoryReport(plan: MemoryPlan): MemoryReport {
  return { ...plan, table: formatMemoryPlan(plan) }
}
