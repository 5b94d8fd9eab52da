import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { truthOf } from '../../src/data/truth.ts'
import type { ClipEmbedder } from '../../src/pipeline/clip-embedder.ts'
import { classify } from '../../src/pipeline/stages/classify.ts'
import type { MeasureOutput } from '../../src/pipeline/stages/measure.ts'
import { type TestRun, testCaptions, testPictures, testRun } from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

const CONTEXT = 60
const NOUNS = ['dog', 'cat', 'owl']

/** A CLIP to which a text is the nouns in it, and the i-th picture a noun; it notes what it was shown. */
function fakeClip(pictures: readonly string[]) {
  const shown: string[] = []
  const vector = (text: string): Float32Array<ArrayBuffer> =>
    Float32Array.from(NOUNS, (noun) => text.split(noun).length - 1)
  const clip = {
    async embedTexts(texts: readonly string[]) {
      shown.push(...texts)
      return texts.map((text) => (text.length > CONTEXT ? undefined : vector(text)))
    },
    embedImages: async (images: readonly { name: string }[]) =>
      images.map(({ name }) => vector(pictures[Number.parseInt(name, 10)] ?? '')),
    async classify(embeddings: readonly Float32Array[], classes: readonly Float32Array[]) {
      return embeddings.map((own) => {
        const scores = classes.map((other) => own.reduce((sum, value, d) => sum + value * (other[d] ?? 0), 0))
        return scores.indexOf(Math.max(...scores))
      })
    },
  }
  return { clip: clip as unknown as ClipEmbedder, shown }
}

/** What a model said of pictures. */
async function said(part: string, captions: readonly string[]): Promise<MeasureOutput> {
  return await testCaptions(
    run,
    part,
    captions.map((caption, i) => ({ image: `${i}.png`, imageHash: '', caption })),
  )
}

async function classified(truths: readonly (string | undefined)[], before: string[], after: string[]) {
  const known = (noun: string | undefined) =>
    noun === undefined ? {} : { truth: truthOf({ truth: [noun] }) }
  const dataset = await testPictures(run, truths.map(known))
  const measured = { dataset, before: await said('before', before), after: await said('after', after) }
  const { clip, shown } = fakeClip(truths.map((noun) => noun ?? ''))
  const { signal } = run.context
  return { result: await classify(clip, measured, { samples: 50, seed: 0, signal }), shown }
}

describe('zero-shot classification', () => {
  test('is of the captions before and after, against the classes by name, and of the pictures as the ceiling', async () => {
    const { result, shown } = await classified(
      ['dog', 'cat', undefined, 'owl', 'dog'],
      ['A cat.', 'A cat.', 'A dog.', 'A dog.', 'A cat.'],
      ['A dog.', 'A cat.', 'A dog.', 'A dog.', 'A dog.'],
    )
    expect(shown.slice(0, 3)).toEqual(['a photo of a cat.', 'a photo of a dog.', 'a photo of an owl.'])
    expect(result).toMatchObject({
      images: 4, // of the one that shows nothing known nothing is said
      classes: ['cat', 'dog', 'owl'],
      before: { value: 25 },
      after: { value: 75 },
      delta: { value: 50 },
      ceiling: { value: 100, low: 100, high: 100 },
      confusion: [
        [1, 0, 0],
        [0, 2, 0],
        [0, 1, 0],
      ],
    })
    expect(result.delta.low).toBeGreaterThanOrEqual(0)
  })

  test('of a caption past CLIP’s context its beginning is classified', async () => {
    const long = `A dog. ${'It is there, as one can see. '.repeat(5)} A cat, a cat.`
    const { result, shown } = await classified(['dog', 'cat'], [long, 'A cat.'], ['A dog.', 'A cat.'])
    expect(result.before.value).toBe(100)
    const beginnings = shown.filter((text) => text.startsWith('A dog. It'))
    expect(beginnings.length).toBeGreaterThan(1)
    expect(beginnings.every((text) => long.startsWith(text))).toBe(true)
    expect(beginnings.at(-1)?.length).toBeLessThanOrEqual(CONTEXT)
  })

  test('what was not measured of every picture is refused', async () => {
    const three = ['A dog.', 'A cat.', 'An owl.']
    await expect(classified(['dog', 'cat', 'owl', 'dog'], three, three)).rejects.toThrow(
      /expected 2 measured pictures in chunk 1, got 1/,
    )
  })
})
