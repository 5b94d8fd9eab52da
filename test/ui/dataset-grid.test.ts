import { afterEach, expect, test } from 'vitest'
import { DatasetGrid, type GridPicture } from '../../src/ui/dataset-grid.ts'
import { Thumbnails } from '../../src/ui/thumbnails.ts'

afterEach(() => document.body.replaceChildren())

const PIXEL = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='),
  (c) => c.charCodeAt(0),
)

/** A grid of so many pictures, and what it asks of the store. */
async function show(total: number) {
  const asked = { pages: 0, thumbnails: 0, batches: 0 }
  const name = (i: number): string => `picture ${i}`
  const grid = new DatasetGrid()
  grid.runner = {
    async pictures(_, start, end) {
      asked.pages++
      const length = Math.max(0, Math.min(end, total) - start)
      const items = Array.from({ length }, (_, i) => ({
        name: name(start + i),
        hash: name(start + i),
        width: 1,
        height: 1,
      }))
      return { total, items }
    },
  }
  grid.thumbnails = new Thumbnails({
    async thumbnails(hashes) {
      asked.batches++
      asked.thumbnails += hashes.length
      return hashes.map(() => PIXEL)
    },
  })
  grid.hash = 'dataset'
  grid.style.width = '600px'
  document.body.append(grid)
  await expect.poll(() => buttons(grid).length).toBeGreaterThan(0)
  return { grid, asked }
}

function buttons(grid: DatasetGrid): HTMLButtonElement[] {
  return [...(grid.shadowRoot?.querySelectorAll('button') ?? [])]
}

test('of 10,000 pictures only those in sight are in the document, wherever one scrolls', async () => {
  const { grid, asked } = await show(10_000)
  expect(grid.shadowRoot?.querySelector('ul')?.clientHeight).toBeGreaterThan(100_000)
  expect(buttons(grid).length).toBeLessThan(100)
  const view = grid.shadowRoot?.querySelector('.view')
  if (!view) throw new Error('expected a view')
  view.scrollTop = view.scrollHeight
  await expect.poll(() => buttons(grid).at(-1)?.ariaLabel).toBe('picture 9999')
  expect(buttons(grid).length).toBeLessThan(100)
  expect(asked.pages).toBeLessThan(10)
  await expect.poll(() => asked.thumbnails).toBeGreaterThan(0)
  expect(asked.batches).toBeLessThan(10) // those of one turn together
})

test('scrolling through all of them draws each turn in less than 50 ms', async () => {
  const { grid } = await show(10_000)
  const view = grid.shadowRoot?.querySelector('.view')
  if (!view) throw new Error('expected a view')
  const drawing: number[] = []
  for (let i = 1; i <= 40; i++) {
    view.scrollTop = (i / 40) * view.scrollHeight
    view.dispatchEvent(new Event('scroll'))
    const start = performance.now()
    await grid.updateComplete // the drawing itself, without the browser's own work
    drawing.push(performance.now() - start)
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
  // The median, since another program may take the processor at any time.
  expect(drawing.sort((a, b) => a - b)[20]).toBeLessThan(50)
})

test('arrow keys move, and a click or Enter chooses', async () => {
  const { grid } = await show(500)
  const chosen: string[] = []
  grid.addEventListener('picture', (event) => chosen.push((event as CustomEvent<GridPicture>).detail.name))
  const focused = (): string | null | undefined => grid.shadowRoot?.activeElement?.getAttribute('aria-label')
  await expect.poll(() => buttons(grid)[0]?.disabled).toBe(false)
  buttons(grid)[0]?.focus()
  const press = (key: string): void => {
    grid.shadowRoot?.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
  }
  press('ArrowRight')
  await expect.poll(focused).toBe('picture 1')
  press('ArrowDown')
  await expect.poll(focused).toBe(`picture ${1 + grid.columns}`)
  press('End')
  await expect.poll(focused).toBe('picture 499')
  const last = grid.shadowRoot?.activeElement
  if (last instanceof HTMLButtonElement) last.click()
  expect(chosen).toEqual(['picture 499'])
  press('Home')
  await expect.poll(focused).toBe('picture 0')
  // One of all can be reached by Tab; the others by arrows.
  expect(buttons(grid).filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1)
})

test('grows as pictures come', async () => {
  const { grid } = await show(3)
  expect(buttons(grid)).toHaveLength(3)
  grid.runner = {
    pictures: async () => ({
      total: 5,
      items: [0, 1, 2, 3, 4].map((i) => ({ name: `${i}`, hash: `${i}`, width: 1, height: 1 })),
    }),
  }
  grid.news = 'more'
  await expect.poll(() => buttons(grid).length).toBe(5)
})
