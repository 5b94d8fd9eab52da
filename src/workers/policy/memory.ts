import { parseLoraConfig } from '../../data/peft.ts'
import { formatMemoryPlan, type MemoryPlan } from '../../models/decoder/memory-plan.ts'
import type { PolicyUse } from '../../models/policy-model.ts'
import type { ExpectedUse, MemoryReport } from '../policy.api.ts'

/** What a caller says it will do with a model, as the plan counts it: no batch shares anything, and all are full. */
export function expectedMemory({
  peft,
  train,
  generate,
  recompute = false,
}: ExpectedUse & { readonly recompute?: boolean }): PolicyUse {
  return {
    ...(peft === undefined ? {} : { lora: parseLoraConfig(peft, 'peft') }),
    ...(train
      ? {
          train: {
            rows: {
              tokens: train.pairs * (train.promptTokens + 2 * train.answerTokens),
              answers: 2 * train.pairs * train.answerTokens,
              sequences: 2 * train.pairs,
              features: train.pairs * train.promptTokens,
            },
            recompute,
            gradientAccumulationSteps: train.gradientAccumulationSteps ?? 1,
          },
        }
      : {}),
    ...(generate
      ? {
          generate: {
            answers: generate.prompts * generate.candidates,
            prefixTokens: generate.prompts * generate.promptTokens,
            featureRows: generate.prompts * generate.promptTokens,
            maxNewTokens: generate.maxNewTokens,
          },
        }
      : {}),
  }
}

/** A plan with its table, to be shown. */
export function memoryReport(plan: MemoryPlan): MemoryReport {
  return { ...plan, table: formatMemoryPlan(plan) }
}
