import type { TrainerConfig } from '../method/trainer-config.ts'
import type { ExpectedUse, LoraSettings } from '../workers/policy.api.ts'
import type { CaptionSettings } from './recipe.ts'

/** Tokens that a chat template puts around a prompt, about. */
const TEMPLATE_TOKENS = 64
/** More prompts than are ever answered at once. */
const MANY = 256

/**
 * What writing answers about pictures will take, at most, before the pictures are known.
 * @param prompts the texts that are asked: no tokenizer makes more tokens of one than it has bytes.
 * @param asked how often they are asked in all. Default many times.
 */
export function writingUse(
  prompts: readonly string[],
  candidates: number,
  maxNewTokens: number,
  asked = MANY,
): ExpectedUse {
  const longest = Math.max(0, ...prompts.map((prompt) => new TextEncoder().encode(prompt).length))
  return {
    generate: {
      prompts: asked,
      candidates,
      promptTokens: longest + TEMPLATE_TOKENS,
      images: 1,
      maxNewTokens,
    },
    unlimitedImages: 'leave out',
  }
}

/** What captioning as a recipe has it will take. */
export function captionUse({ prompts, samples, greedy, max_new_tokens }: CaptionSettings): ExpectedUse {
  return writingUse(prompts, samples + (greedy ? 1 : 0), max_new_tokens)
}

/** What training takes at the least: before the pairs are read nobody knows how long they are. */
export function trainingUse(
  { per_device_train_batch_size: pairs, gradient_accumulation_steps }: TrainerConfig,
  peft?: LoraSettings,
): ExpectedUse {
  const gradientAccumulationSteps = gradient_accumulation_steps
  const train = { pairs, promptTokens: 1, answerTokens: 1, gradientAccumulationSteps }
  return peft ? { peft, train } : { train }
}
