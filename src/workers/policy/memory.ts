import { parseLoraConfig } from '../../data/peft.ts'
import { formatMemoryPlan, type MemoryPlan, type Recompute } from '../../models/decoder/memory-plan.ts'
import type { PolicyUse } from '../../models/policy-model.ts'
import type { ImageSpace } from '../../models/prompt-encoder.ts'
import type { ExpectedUse, MemoryReport } from '../policy.api.ts'

/**
 * What a caller says it will do with a model, as the plan counts it: no batch shares anything, and all are full.
 * @param largestImage undefined where the model's settings set no limit.
 * @throws {Error} for images without a limit.
 */
export function expectedMemory(
  { peft, train, generate, recompute }: ExpectedUse & { readonly recompute: Recompute },
  largestImage?: ImageSpace,
): PolicyUse {
  const training = train && prompt(train, largestImage)
  const generating = generate && prompt(generate, largestImage)
  return {
    ...(peft === undefined ? {} : { lora: parseLoraConfig(peft, 'peft') }),
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
          generate: {
            answers: generate.prompts * generate.candidates,
            prefixTokens: generate.prompts * generating.tokens,
            featureRows: generate.prompts * generating.rows,
            maxNewTokens: generate.maxNewTokens,
          },
        }
      : {}),
  }
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
