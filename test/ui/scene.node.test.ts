import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { habitScene } from '../../bench/traps/habit-scenes.ts'
import {
  emptyScene,
  type Scene,
  sceneTruth,
  spriteName,
  withChange,
  withoutSprite,
  withSprite,
} from '../../src/ui/scene/scene.ts'
import { TRAPS } from '../../src/ui/scene/traps.ts'
import type { Description, Habit, Sprite } from '../../src/ui/scene/world.ts'

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
})

/** What scenes that set a habit off have in common. */
function expectToTempt(scene: Scene, { place, trigger, invented }: Habit): void {
  const { truth, hallu } = sceneTruth(world, scene)
  expect(scene.place).toBe(place)
  expect(truth).toContain(trigger)
  expect(truth).not.toContain(invented)
  expect(hallu).toContain(invented)
  expect(scene.sprites.every(isInside)).toBe(true)
  expect(scene.variant).toBeLessThan(world.variants)
}

describe('traps', () => {
  test('are of habits the embedded model may have, each once, those first that training cures most', () => {
    const habits = world.habits.map((habit) => JSON.stringify(habit))
    expect(TRAPS.traps.length).toBeGreaterThan(5)
    for (const trap of TRAPS.traps) {
      const { place, trigger, invented, answers, base, tuned } = trap
      expect(habits).toContain(JSON.stringify({ place, trigger, invented }))
      expectToTempt(trap, trap)
      expect(base).toBeLessThanOrEqual(answers)
      expect(tuned).toBeLessThanOrEqual(answers)
    }
    const cured = TRAPS.traps.map(({ answers, base, tuned }) => (base - tuned) / answers)
    expect(cured).toEqual([...cured].sort((a, b) => b - a))
    expect(new Set(TRAPS.traps.map(({ place, trigger }) => `${place} ${trigger}`)).size).toBe(cured.length)
  })

  test('are chosen among scenes that differ in everything but the habit', () => {
    for (const habit of world.habits) {
      const scenes = Array.from({ length: 20 }, (_, i) => habitScene(world, habit, i))
      for (const scene of scenes) expectToTempt(scene, habit)
      expect(new Set(scenes.map((scene) => JSON.stringify(scene))).size).toBe(20)
      expect(habitScene(world, habit, 3)).toEqual(scenes[3])
    }
    const sprites = world.habits.flatMap((habit) => habitScene(world, habit, 0).sprites)
    expect(new Set(sprites.map(({ angle }) => angle)).size).toBe(world.angles.length)
    expect(new Set(sprites.map(({ size }) => size)).size).toBeGreaterThan(2)
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
    const sprite = { noun: 'car', colour: 'red', size: 1, angle: 3, x: 20, y: 80, flip: false }
    expect(spriteName(world, sprite)).toBe('red car, bottom left')
    expect(spriteName(world, { ...sprite, colour: null, x: 48, y: 48 })).toBe('car, middle')
  })
})
