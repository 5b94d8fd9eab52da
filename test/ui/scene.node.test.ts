import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  emptyScene,
  type Scene,
  sceneOfTrap,
  sceneTruth,
  spriteName,
  withChange,
  withoutSprite,
  withSprite,
} from '../../src/ui/scene/scene.ts'
import type { Description, Sprite } from '../../src/ui/scene/world.ts'

const FOLDER = 'public/data/scene-maker'
const world = JSON.parse(readFileSync(`${FOLDER}/scene-maker.json`, 'utf8')) as Description
const sides = world.sizes.map(({ side }) => side)
const isInside = ({ x, y, size }: Sprite): boolean =>
  [x, y].every((at) => at > (sides[size] ?? 0) / 2 && at < world.imageSize - (sides[size] ?? 0) / 2)

describe('what scenes are made from', () => {
  test('takes less than a megabyte, with the licence of the sprites', () => {
    const files = readdirSync(FOLDER)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'sprites.webp', 'backgrounds.webp']))
    const total = files.reduce((sum, name) => sum + statSync(`${FOLDER}/${name}`).size, 0)
    expect(total).toBeLessThanOrEqual(1_000_000)
  })

  test('has the same nouns as the evaluation of the embedded world', () => {
    const relation = JSON.parse(
      readFileSync('public/data/emoji-scenes/amber/relation.json', 'utf8'),
    ) as object
    expect(world.nouns.map(({ name }) => name).sort()).toEqual(Object.keys(relation).sort())
    for (const { typical } of world.places)
      expect(Object.keys(relation)).toEqual(expect.arrayContaining([...typical]))
  })

  test('has traps with what sets a habit off and without what it invents', () => {
    expect(world.traps.length).toBeGreaterThan(10)
    for (const trap of world.traps) {
      const { truth, hallu } = sceneTruth(world, sceneOfTrap(trap))
      expect(truth).toContain(trap.trigger)
      expect(truth).not.toContain(trap.invented)
      expect(hallu).toContain(trap.invented)
      expect(trap.sprites.every(isInside)).toBe(true)
      expect(trap.variant).toBeLessThan(world.variants)
    }
  })
})

describe('a scene', () => {
  test('takes things where there is room, up to as many as the pictures have', () => {
    let scene: Scene = emptyScene('kitchen')
    for (let i = 0; i < world.mostSprites + 3; i++) scene = withSprite(world, scene, 'cup')
    expect(scene.sprites).toHaveLength(world.mostSprites)
    expect(new Set(scene.sprites.map(({ x, y }) => `${x} ${y}`)).size).toBe(world.mostSprites)
    expect(scene.sprites.every(isInside)).toBe(true)
  })

  test('gives a colour to what comes in colours, and to nothing else', () => {
    const scene = withSprite(world, withSprite(world, emptyScene('street'), 'car'), 'cup')
    expect(world.colours).toContain(scene.sprites[0]?.colour)
    expect(scene.sprites[1]?.colour).toBeNull()
  })

  test('keeps what is moved or made larger inside the picture', () => {
    const scene = withSprite(world, emptyScene('sea'), 'crab', { x: -50, y: 400 })
    expect(scene.sprites.every(isInside)).toBe(true)
    const large = withChange(world, scene, 0, { size: world.sizes.length - 1, x: 1000 })
    expect(large.sprites.every(isInside)).toBe(true)
    expect(withoutSprite(large, 0).sprites).toEqual([])
  })

  test('names each noun once, and what is usual in its place and not there', () => {
    const scene = withSprite(world, withSprite(world, emptyScene('kitchen'), 'cup'), 'cup')
    const { truth, hallu } = sceneTruth(world, scene)
    expect(truth).toEqual(['cup'])
    expect(hallu).toContain('spoon')
    expect(hallu).not.toContain('cup')
  })

  test('tells where a thing is', () => {
    const sprite = { noun: 'car', colour: 'red', size: 1, x: 20, y: 80, flip: false }
    expect(spriteName(world, sprite)).toBe('red car, bottom left')
    expect(spriteName(world, { ...sprite, colour: null, x: 48, y: 48 })).toBe('car, middle')
  })
})
