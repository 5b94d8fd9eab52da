import { afterEach, describe, expect, test } from 'vitest'
import type { ListedRun } from '../../src/pipeline/runner.api.ts'
import { RunList } from '../../src/ui/run-list.ts'
import { button, find, textOf } from '../support/elements.ts'

afterEach(() => document.body.replaceChildren())

describe('runs', () => {
  const RUN: ListedRun = {
    id: 'a',
    name: '<b>demo</b>',
    recipe: {},
    recipeHash: 'h',
    createdAt: 0,
    status: 'done',
    isOpen: false,
    byteLength: 3 * 2 ** 20,
    ownByteLength: 2 ** 20,
  }

  async function show(runs: ListedRun[]) {
    const calls: string[] = []
    const list = new RunList()
    list.runner = {
      list: async () => runs,
      rename: async (id, name) => void calls.push(`rename ${id} ${name}`),
      delete: async (id) => void calls.push(`delete ${id}`),
    }
    document.body.append(list)
    await expect.poll(() => textOf(list)).toContain(runs.length === 0 ? 'None yet' : 'MiB')
    return { list, calls }
  }

  test('are renamed in place and deleted only after a second click', async () => {
    const { list, calls } = await show([RUN])
    expect(list.shadowRoot?.querySelector('b')).toBeNull()
    const name = find<HTMLInputElement>(list, 'input.name')
    expect(name.value).toBe('<b>demo</b>')
    name.value = 'mine'
    name.dispatchEvent(new Event('change'))
    button(list, /^Delete$/).click()
    await list.updateComplete
    expect(calls).toEqual(['rename a mine'])
    button(list, /for good/).click()
    await expect.poll(() => calls).toEqual(['rename a mine', 'delete a'])
  })

  test('tell what each takes, what deleting all of them frees, and how full the browser’s storage is', async () => {
    const { list } = await show([
      RUN,
      { ...RUN, id: 'b', byteLength: 5 * 2 ** 20, ownByteLength: 4 * 2 ** 20 },
    ])
    const cells = [...(list.shadowRoot?.querySelectorAll('td.number') ?? [])]
    expect(cells.map(({ textContent }) => textContent.replace(/\s+/g, ' '))).toEqual([
      '3 MiB 1 MiB its own',
      '5 MiB 4 MiB its own',
    ])
    expect(textOf(list)).toContain('(5 MiB of all runs)')
    expect(textOf(list)).not.toContain('the browser allows')
    list.storage = { usage: 12 * 2 ** 20, quota: 3 * 2 ** 30, isPersisted: true, level: 'ok' }
    await list.updateComplete
    expect(textOf(list)).toContain('All that this page keeps takes 12 MiB; the browser allows 3 GiB.')
  })

  test('are chosen to be compared', async () => {
    const { list } = await show([RUN, { ...RUN, id: 'b', name: 'other' }])
    const told: unknown[] = []
    list.addEventListener('compare', (event) => {
      list.chosen = (event as CustomEvent<string[]>).detail
      told.push(list.chosen)
    })
    const boxes = [...(list.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type=checkbox]') ?? [])]
    boxes[1]?.click()
    await expect.poll(() => textOf(list)).toContain('Choose another run')
    boxes[0]?.click()
    boxes[1]?.click()
    expect(told).toEqual([['b'], ['b', 'a'], ['a']])
  })

  test('are not opened while one is under way', async () => {
    const { list } = await show([RUN])
    const opened: string[] = []
    list.addEventListener('open', (event) => opened.push((event as CustomEvent<string>).detail))
    list.locked = true
    await list.updateComplete
    button(list, /^Open$/).click()
    expect(button(list, /^Open$/).disabled).toBe(true)
    list.locked = false
    await list.updateComplete
    button(list, /^Open$/).click()
    expect(opened).toEqual(['a'])
  })

  test('that are open cannot be deleted; one that was left is broken off', async () => {
    const { list } = await show([
      { ...RUN, status: 'running', isOpen: true },
      { ...RUN, id: 'b', status: 'running' },
    ])
    expect(button(list, /^Delete$/).disabled).toBe(true)
    expect(textOf(list)).toContain('broken off')
  })
})
