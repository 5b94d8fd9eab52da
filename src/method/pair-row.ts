import type { PreferencePair } from './candidate.ts'

/** A line of `pairs.jsonl`: TRL's columns, and what CLIP said of them beside. Pictures lie in `images`, by their hash. */
export function pairRow({
  images,
  imageHash,
  prompt,
  chosen,
  rejected,
  context,
  ...rest
}: PreferencePair): object {
  const say = (text: string) => [{ role: 'assistant', content: text.trim() }]
  const texts =
    context === undefined
      ? { prompt: [{ role: 'user', content: prompt }], chosen: say(chosen), rejected: say(rejected) }
      : { prompt, context, chosen, rejected }
  return { images: [`images/${imageHash}`], name: images[0], ...texts, ...rest }
}
