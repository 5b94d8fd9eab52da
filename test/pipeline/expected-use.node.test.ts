import { expect, test } from 'vitest'
import demo from '../../recipes/demo.json'
import { captionUse, writingUse } from '../../src/pipeline/expected-use.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'

test('what writing takes is counted from the longest prompt, all answers to it and their greatest length', () => {
  const { generate } = writingUse(['a', 'bä'], 4, 32, 3)
  expect(generate).toMatchObject({ prompts: 3, candidates: 4, images: 1, maxNewTokens: 32 })
  expect((generate?.promptTokens ?? 0) - (writingUse(['a'], 4, 32).generate?.promptTokens ?? 0)).toBe(2)
  const { caption } = parseRecipe(demo)
  const use = captionUse({ ...caption, samples: 3, greedy: true })
  expect(use.generate?.candidates).toBe(4)
  expect(captionUse({ ...caption, samples: 3, greedy: false }).generate?.candidates).toBe(3)
  expect(use.generate?.maxNewTokens).toBe(caption.max_new_tokens)
})
