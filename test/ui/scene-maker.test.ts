import { afterEach, expect, test } from 'vitest'
import { type MadeScene, SceneMaker } from '../../src/ui/scene/scene-maker.ts'
import { TRAPS } from '../../src/ui/scene/traps.ts'

afterEach(() => document.body.replaceChildren())

async function show() {
  const made: MadeScene[] = []
  const maker = new SceneMaker()
  maker.site = new URL('/', location.href).href
  maker.addEventListener('scene', (event) => made.push((event as CustomEvent<MadeScene>).detail))
  document.body.append(maker)
  await expect.poll(() => made.length).toBe(1)
  const find = <T extends HTMLElement>(selector: string): T => {
    const found = maker.shadowRoot?.querySelector<T>(selector)
    if (!found) throw new Error(`expected ${selector}`)
    return found
  }
  const button = (name: string): HTMLButtonElement => {
    const found = [...(maker.shadowRoot?.querySelectorAll('button') ?? [])].find(
      (one) => one.ariaLabel === name || one.textContent?.trim() === name,
    )
    if (!found) throw new Error(`expected a button ${name}`)
    return found
  }
  const truth = (): readonly string[] => made.at(-1)?.truth.truth ?? []
  return { maker, made, find, button, truth }
}

test('begins with a trap, whose truth is known and lacks what is invented', async () => {
  const { maker, made } = await show()
  expect(maker.trap).toBe(0)
  const [trap] = TRAPS.traps
  expect(made[0]?.truth.truth).toContain(trap?.trigger)
  expect(made[0]?.truth.hallu).toContain(trap?.invented)
  expect(made[0]?.file.type).toBe('image/png')
  const image = await createImageBitmap(made[0]?.file as File)
  expect([image.width, image.height]).toEqual([96, 96])
})

test('by keyboard alone a thing is added, moved and taken away', async () => {
  const { maker, button, truth } = await show()
  button('Clear').click()
  await expect.poll(truth).toEqual([])
  button('add cake').click()
  await expect.poll(truth).toEqual(['cake'])
  // The thing has the focus, so that keys are for it.
  const sprite = () => maker.shadowRoot?.activeElement as HTMLElement
  await expect.poll(() => sprite()?.ariaLabel).toBe('cake, middle')
  const before = maker.scene.sprites[0]
  const press = (key: string, shiftKey = false) =>
    sprite().dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }))
  press('ArrowLeft')
  press('ArrowUp', true)
  expect(maker.scene.sprites[0]).toMatchObject({ x: (before?.x ?? 0) - 2, y: (before?.y ?? 0) - 8 })
  for (let i = 0; i < 9; i++) press('ArrowLeft', true)
  await expect.poll(() => sprite()?.ariaLabel).toBe('cake, left')
  for (const key of ['+', '[', '[', ']']) press(key)
  expect(maker.scene.sprites[0]).toMatchObject({
    size: (before?.size ?? 0) + 1,
    angle: (before?.angle ?? 0) + 1,
  })
  for (let i = 0; i < 9; i++) press('-')
  for (let i = 0; i < 9; i++) press(']')
  expect(maker.scene.sprites[0]).toMatchObject({ size: 0, angle: 0 })
  press('Escape')
  await expect.poll(() => sprite()?.ariaLabel).toBe('add cake')
  maker.shadowRoot?.querySelector<HTMLElement>('.sprite')?.focus()
  press('Delete')
  await expect.poll(truth).toEqual([])
})

test('what is chosen can be made larger, coloured, turned and mirrored; another place makes other things usual', async () => {
  const { maker, find, button, truth, made } = await show()
  button('Clear').click()
  button('add car').click()
  await maker.updateComplete
  const choose = (label: string, value: string): void => {
    const select = [...(maker.shadowRoot?.querySelectorAll('label') ?? [])]
      .find(({ textContent }) => textContent?.trim().startsWith(label))
      ?.querySelector('select')
    if (!select) throw new Error(`expected ${label}`)
    select.value = value
    select.dispatchEvent(new Event('change'))
  }
  expect(maker.scene.sprites[0]?.size).toBe(2)
  choose('Size', 'large')
  choose('Colour', 'purple')
  button('Mirror').click()
  button('right').click()
  button('turn left').click()
  const upright = maker.world?.angles.indexOf(0) ?? 0
  expect(maker.scene.sprites[0]).toMatchObject({
    noun: 'car',
    colour: 'purple',
    size: 3,
    angle: upright + 1,
    flip: true,
    x: 56,
  })
  choose('Place', 'street')
  await expect.poll(() => made.at(-1)?.truth.hallu).toContain('taxi')
  expect(truth()).toEqual(['car'])
  expect(find('.palette').textContent).toContain('Usual on a street')
})
