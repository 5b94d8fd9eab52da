import fc from 'fast-check'
import type { Candidate, ScoredCandidate } from '../../src/method/candidate.ts'

/** A caption's candidate; whatever a test does not care about is filled in. */
export function candidate(fields: Partial<Candidate> = {}): Candidate {
  return {
    image: 'a.png',
    imageHash: 'a'.repeat(64),
    prompt: 'Describe this image.',
    promptId: 'p0',
    generator: 'policy',
    candidate: 0,
    seed: 0,
    text: 'A dog on a beach.',
    numTokens: 6,
    finishReason: 'stop',
    ...fields,
  }
}

export function scored(score: number | undefined, fields: Partial<ScoredCandidate> = {}): ScoredCandidate {
  return { ...candidate(fields), scores: {}, ...(score === undefined ? {} : { score }), ...fields }
}

const word = fc.constantFrom('dog', 'cat', 'red', 'car', 'a', 'the', 'tree', 'on')

/** Candidates of a few images, prompts and contexts, some alike, some without a score, some that end an answer. */
export const scoredCandidates: fc.Arbitrary<ScoredCandidate[]> = fc.array(
  fc
    .record({
      image: fc.constantFrom('a', 'b', 'c'),
      prompt: fc.constantFrom('p', 'q'),
      words: fc.array(word, { minLength: 1, maxLength: 12 }),
      score: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 8, nil: undefined }),
      isCut: fc.boolean(),
      context: fc.constantFrom(undefined, undefined, 'A dog.', ''),
      isStop: fc.boolean(),
    })
    .map(({ image, prompt, words, score, isCut, context, isStop }) =>
      scored(isStop && context !== undefined ? 20 : score, {
        image: `${image}.png`,
        imageHash: image,
        prompt,
        promptId: prompt,
        text: isStop && context !== undefined ? '' : words.join(' '),
        finishReason: isCut ? 'length' : 'stop',
        ...(context === undefined ? {} : { context }),
      }),
    ),
  { maxLength: 40 },
)
