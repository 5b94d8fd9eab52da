import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Opener, openProfile, ProfileLockedError } from '../../src/cli/profile.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'profile-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const lock = (): string => join(folder, 'lock')
/** A process among those that run. @param onLook what happens while it looks whether another still runs. */
const opener = (pid: number, running: readonly number[], onLook: () => void = () => {}): Opener => ({
  pid,
  isRunning(other) {
    onLook()
    return running.includes(other)
  },
})

test('a profile is one process’s until it is let go', () => {
  const first = openProfile(folder, opener(1, []))
  expect(() => openProfile(folder, opener(2, [1]))).toThrow(ProfileLockedError)
  expect(() => openProfile(folder, opener(2, [1]))).toThrow(/process 1 is using; wait for it/)
  first.keepPort(4173)
  first.release()
  const second = openProfile(folder, opener(2, [1]))
  expect(second.port).toBe(4173)
  first.release() // says nothing of what is another's by now
  expect(() => openProfile(folder, opener(3, [2]))).toThrow(ProfileLockedError)
  second.release()
  expect(existsSync(lock())).toBe(false)
})

test('what a process left that is gone is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  for (const left of [String(pid), `${pid}-0123456789abcdef`]) {
    writeFileSync(lock(), left)
    const profile = openProfile(folder)
    expect(readFileSync(lock(), 'utf8')).toMatch(new RegExp(`^${process.pid}-`))
    profile.release()
    expect(readdirSync(folder)).toEqual([])
  }
})

test('of two that find the same process gone one takes over, however they come between each other', () => {
  openProfile(folder, opener(1, []))
  let isFirst = true
  const second = () =>
    openProfile(
      folder,
      opener(2, [3], () => {
        if (isFirst) openProfile(folder, opener(3, [2])) // while the second believes the lock to be the first's
        isFirst = false
      }),
    )
  expect(second).toThrow(/process 3 is using/)
  expect(readFileSync(lock(), 'utf8')).toMatch(/^3-/)
  expect(readdirSync(folder)).toEqual(['lock'])
})

test('one that ended while taking over is taken over as well', () => {
  openProfile(folder, opener(1, []))
  const left = readFileSync(lock(), 'utf8')
  writeFileSync(`${lock()}.${left}`, '2-0')
  expect(() => openProfile(folder, opener(3, [2]))).toThrow(/process 2 is using/)
  openProfile(folder, opener(3, []))
  expect(readFileSync(lock(), 'utf8')).toMatch(/^3-/)
  expect(readdirSync(folder)).toEqual(['lock'])
})

test('a lock that is being written is somebody’s', () => {
  writeFileSync(lock(), '')
  expect(() => openProfile(folder, opener(1, []))).toThrow(/just taking; if none is, remove this file/)
})
