import { afterEach, describe, expect, test } from 'vitest'
import type { GivenPictures } from '../../src/ui/given-pictures.ts'
import { PictureDrop } from '../../src/ui/picture-drop.ts'
import { StartPanel } from '../../src/ui/start-panel.ts'
import { keepPageOnDrop } from '../../src/ui/window-drops.ts'

afterEach(() => document.body.replaceChildren())

function files(...names: string[]): DataTransfer {
  const transfer = new DataTransfer()
  for (const name of names) transfer.items.add(new File(['x'], name, { type: 'image/png' }))
  return transfer
}

describe('a place for pictures', () => {
  async function show() {
    const drop = new PictureDrop()
    const given: GivenPictures[] = []
    drop.addEventListener('given', (event) => given.push((event as CustomEvent<GivenPictures>).detail))
    document.body.append(drop)
    await drop.updateComplete
    const [input] = drop.shadowRoot?.querySelectorAll('input') ?? []
    const zone = drop.shadowRoot?.querySelector('.drop')
    if (!input || !zone) throw new Error('expected an input and a place to drop')
    return { drop, given, input, zone }
  }

  test('takes the same files again', async () => {
    const { given, input } = await show()
    for (let i = 0; i < 2; i++) {
      input.files = files('a.png').files
      input.dispatchEvent(new Event('change'))
      expect(input.value).toBe('') // a browser tells of a change only where there is one
    }
    expect(given.map(({ label }) => label)).toEqual(['my pictures, 1 file', 'my pictures, 1 file'])
  })

  test('says so when what was dropped cannot be read', async () => {
    const { drop, given, zone } = await show()
    const dataTransfer = files('a.png')
    const entry = {
      isFile: true,
      fullPath: '/a.png',
      file: (_: unknown, fail: (error: Error) => void) => fail(new Error('gone')),
    }
    const dropped = new DragEvent('drop', { bubbles: true, cancelable: true })
    const items = [{ webkitGetAsEntry: () => entry }]
    Object.defineProperty(dropped, 'dataTransfer', { value: { items, files: dataTransfer.files } })
    zone.dispatchEvent(dropped)
    await expect.poll(() => drop.shadowRoot?.querySelector('[role=alert]')?.textContent).toContain('gone')
    expect(given).toEqual([])
  })
})

test('a file dropped beside such a place does not open in the page’s stead', () => {
  const leave = keepPageOnDrop(window)
  const over = (target: EventTarget, dataTransfer: DataTransfer): DragEvent => {
    const event = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer })
    target.dispatchEvent(event)
    return event
  }
  expect(over(document.body, files('a.png')).defaultPrevented).toBe(true)
  const text = new DataTransfer()
  text.setData('text/plain', 'x')
  expect(over(document.body, text).defaultPrevented).toBe(false)
  leave()
  expect(over(document.body, files('a.png')).defaultPrevented).toBe(false)
})

describe('start', () => {
  async function show(properties: Partial<StartPanel>) {
    const panel = Object.assign(new StartPanel(), { chosen: 'demo', ...properties })
    document.body.append(panel)
    await panel.updateComplete
    const buttons = [...(panel.shadowRoot?.querySelectorAll('button') ?? [])]
    const button = (name: RegExp) => buttons.find(({ textContent }) => name.test(textContent))
    const text = (panel.shadowRoot?.textContent ?? '').replace(/\s+/g, ' ')
    return { panel, button, text }
  }

  test('where nothing can be run says why, and offers to open a run first', async () => {
    const { button, text } = await show({ isBlocked: true, hint: 'Nothing can be run in this browser.' })
    expect([button(/Run the demo/)?.disabled, button(/Run the demo/)?.className]).toEqual([true, 'big'])
    expect(button(/Open a run/)?.classList.contains('primary')).toBe(true)
    expect(text).toContain('Nothing can be run in this browser.')
    const { button: usual } = await show({})
    expect(usual(/Run the demo/)?.className).toBe('primary big')
  })

  test('says what the page’s own model knows, and leads to a real one', async () => {
    const { panel, button, text } = await show({})
    const told: string[] = []
    panel.addEventListener('models', ({ type }) => told.push(type))
    expect(text).toContain('has seen emoji scenes only')
    button(/use a real model/)?.click()
    expect(told).toEqual(['models'])
  })

  test('asks for others to measure on once there are some to train on', async () => {
    const looked = {
      spec: { folder: { name: 'mine', files: {} } },
      label: 'mine, 3 files',
      description: { sha256: '', images: 3, isWhole: true, withTruth: 0, heldOut: 1 },
    }
    expect((await show({})).panel.shadowRoot?.querySelectorAll('picture-drop')).toHaveLength(1)
    const { panel, text, button } = await show({ own: { train: looked }, texts: ['Found 3 pictures.'] })
    const told: unknown[] = []
    panel.addEventListener('given', (event) => told.push((event as CustomEvent).detail))
    expect(text).toMatch(/mine, 3 files.*Found 3 pictures\./)
    const [, others] = panel.shadowRoot?.querySelectorAll('picture-drop') ?? []
    others?.dispatchEvent(new CustomEvent('given', { detail: looked }))
    button(/Use the demo’s again/)?.click()
    expect(told).toEqual([
      { role: 'measure', pictures: looked },
      { role: 'train', pictures: undefined },
    ])
  })

  test('says when the recipe that is shown is not on the pictures that were given', async () => {
    const looked = {
      spec: { folder: { name: 'mine', files: {} } },
      label: 'mine, 3 files',
      description: { sha256: '', images: 3, isWhole: true, withTruth: 0, heldOut: 1 },
    }
    const { panel, button, text } = await show({ own: { train: looked } })
    const told: unknown[] = []
    panel.addEventListener('given', (event) => told.push((event as CustomEvent).detail))
    expect(text).toContain('The recipe that is shown is not on these.')
    expect(button(/Run the demo/)).toBeDefined()
    button(/Take them for it/)?.click()
    expect(told).toEqual([{ role: 'train', pictures: looked }])
  })

  test('can do nothing while what was given is looked through', async () => {
    const { panel, button, text } = await show({ isLooking: true })
    expect(text).toContain('Looking through what you gave')
    expect(button(/Run the demo/)?.disabled).toBe(true)
    expect(panel.shadowRoot?.querySelector('fieldset')?.disabled).toBe(true)
  })
})
