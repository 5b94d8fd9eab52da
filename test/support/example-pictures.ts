import type { MarkedText } from '../../src/evaluate/mark.ts'
import { changeOf } from '../../src/pipeline/examples.ts'
import type { Card } from '../../src/pipeline/run-view.ts'
import type { Random } from './random.ts'

export const NOUNS = [
  'cat',
  'dog',
  'pizza',
  'fork',
  'cup',
  'laptop',
  'car',
  'tree',
  'boat',
  'kite',
  'owl',
  'drum',
] as const

/** A held-out picture with captions before and after, by turns fixed, fixed, broken, inventing in both and clean. */
export function card(random: Random, index: number): Card {
  const pick = (): string => NOUNS[random.below(NOUNS.length)] ?? 'cat'
  const truth = [pick(), pick()]
  const said = (noun: string): MarkedText => ({
    text: noun,
    verdict: truth.includes(noun) ? 'grounded' : 'hallucinated',
  })
  const caption = (...nouns: string[]): MarkedText[] => [
    { text: 'This is a picture of a kitchen. ' },
    ...nouns.flatMap((noun) => [{ text: 'A ' }, said(noun), { text: ' can be seen. ' }]),
  ]
  const others = NOUNS.filter((noun) => !truth.includes(noun))
  const lie = (): string => others[random.below(others.length)] ?? 'drum'
  const [first = 'cat'] = truth
  const before = index % 5 === 2 || index % 5 === 4 ? caption(...truth) : caption(first, lie())
  const after = index % 5 === 2 || index % 5 === 3 ? caption(first, lie()) : caption(...truth)
  const image = `heldout_${String(index).padStart(4, '0')}.png`
  const imageHash = index.toString(16).padStart(64, '0')
  return {
    image,
    imageHash,
    truth,
    before,
    after,
    change: changeOf({ before, after }),
    thumbnail: thumbnail(index),
  }
}

/** A small scene as an SVG. */
export function thumbnail(index: number): string {
  const sky = `hsl(${(index * 67) % 360} 60% 80%)`
  const ground = `hsl(${(index * 67 + 120) % 360} 40% 55%)`
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" width="128" height="128"><rect width="128" height="128" fill="${sky}"/>` +
    `<rect y="84" width="128" height="44" fill="${ground}"/><circle cx="${30 + ((index * 29) % 70)}" cy="72" r="18" fill="#444"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
