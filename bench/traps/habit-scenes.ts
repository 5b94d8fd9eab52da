import { philox4x32, uniformOf } from '../../src/method/random.ts'
import type { Scene } from '../../src/ui/scene/scene.ts'
import type { Description, Habit, Sprite } from '../../src/ui/scene/world.ts'

/** What the models are asked: what the demo and its short form ask for their captions. */
export const PROMPTS = ['Describe this image.', 'What is in this image?'] as const
/** Most things beside the one that sets the habit off. */
const MOST_OTHERS = 3

/**
 * A scene that sets a habit off and has not what it invents: drawn as `sample_scene` in `tools/world/scenes.py` draws, one of
 * each thing and all of them usual in the place.
 * @param number keys the draws, with the habit.
 */
export function habitScene(world: Description, { place, trigger, invented }: Habit, number: number): Scene {
  const { nouns, places, colours, sizes, angles, imageSize, variants } = world
  const nounOf = (name: string) => nouns.findIndex((noun) => noun.name === name)
  const key = [nounOf(trigger), nounOf(invented)] as const
  let counter = 0
  const below = (end: number): number =>
    Math.floor(
      end *
        uniformOf(philox4x32([counter++, number, places.findIndex((one) => one.name === place), 0], key)[0]),
    )
  const drawn = <T>(items: readonly T[]): T => items[below(items.length)] as T
  const shuffled = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, at: below(2 ** 24) }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item)
  const typical = places.find(({ name }) => name === place)?.typical ?? []
  const others = typical.filter((noun) => noun !== trigger && noun !== invented)
  const kinds = shuffled([trigger, ...shuffled(others).slice(0, below(MOST_OTHERS + 1))])
  const slots = shuffled([...Array(9).keys()])
  const smallest = kinds.length <= 2 ? 2 : 1
  const sprites = kinds.map((noun, i): Sprite => {
    const size = smallest + below(3)
    const edge = Math.floor((sizes[size]?.side ?? 0) / 2) + 1
    const slot = slots[i] ?? 0
    const at = (third: number): number =>
      Math.min(imageSize - edge, Math.max(edge, imageSize / 6 + (imageSize / 3) * third + below(7) - 3))
    return {
      noun,
      colour: nouns[nounOf(noun)]?.isTintable ? drawn(colours) : null,
      size,
      angle: below(angles.length),
      x: at(slot % 3),
      y: at(Math.floor(slot / 3)),
      flip: below(2) === 1,
    }
  })
  return { place, variant: below(variants), sprites }
}
