/** Phrases by which CLIP tells a picture with writing from one without. */
export const TEXT_PHRASES: readonly string[] = [
  'a picture with text',
  'written words',
  'letters',
  'a picture of text',
]

/** Descriptions of any picture, against which the phrases above are held. */
export const PLAIN_PHRASES: readonly string[] = ['a picture', 'a photo', 'a picture of a scene']

/**
 * How much writing an image shows, for the rule `maxImageText`: the mean score of the phrases about text less that of the plain
 * ones, in CLIP's 100 x cosine. Where the threshold lies depends on the CLIP; measure it on images with and without writing.
 * @param text scores of TEXT_PHRASES. @param plain scores of PLAIN_PHRASES.
 */
export function imageTextScore(text: readonly number[], plain: readonly number[]): number {
  return mean(text) - mean(plain)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
