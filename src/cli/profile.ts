import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another command is using the same folder. */
export class ProfileLockedError extends Error {
  override readonly name = 'ProfileLockedError'
}

/** What a browser keeps from one command to the next: its storage belongs to an address, so the port is kept too. */
export interface Profile {
  readonly folder: string
  /** The port of the last time; undefined the first time. */
  readonly port: number | undefined
  keepPort(port: number): void
  /** Lets another command use the folder. */
  release(): void
}

/** Who opens a profile; tests are several. */
export interface Opener {
  readonly pid: number
  /** Whether there is such a process. */
  isRunning(pid: number): boolean
}

const THIS_PROCESS: Opener = { pid: process.pid, isRunning }

/**
 * Opens a profile for this process alone; a lock left by a process that is gone is taken over, by one of those who find it.
 * @throws {ProfileLockedError} when another process has it.
 */
export function openProfile(folder: string, { pid, isRunning }: Opener = THIS_PROCESS): Profile {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'lock')
  const portFile = join(folder, 'port')
  const owner = `${pid}-${randomBytes(8).toString('hex')}`
  takeLock(lock, owner, (other) => other !== pid && isRunning(other))
  return {
    folder: join(folder, 'profile'),
    port: readPort(portFile),
    keepPort: (port) => writeFileSync(portFile, String(port)),
    release: () => {
      if (readLock(lock) === owner) rmSync(lock)
    },
  }
}

/** @param owner unlike all others, and begins with the process's number. */
function takeLock(path: string, owner: string, isHeld: (pid: number) => boolean): void {
  for (;;) {
    if (createLock(path, owner)) return
    const found = readLock(path)
    if (found === undefined) continue // let go of meanwhile
    const pid = Number.parseInt(found, 10)
    if (Number.isNaN(pid) || isHeld(pid)) throw lockedError(path, found)
    // It may be replaced by nobody but who has the lock of this owner's succession, and only as long as it is this owner's.
    const succession = `${path}.${found}`
    takeLock(succession, owner, isHeld)
    try {
      if (readLock(path) !== found) continue
      writeFileSync(path, owner)
      return
    } finally {
      rmSync(succession)
    }
  }
}

function createLock(path: string, owner: string): boolean {
  try {
    writeFileSync(path, owner, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The owner's name; empty while it is being written, undefined where there is no lock. */
function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function lockedError(path: string, owner: string): ProfileLockedError {
  const pid = Number.parseInt(owner, 10)
  const got = Number.isNaN(pid)
    ? 'one that a process is just taking; if none is, remove this file'
    : `one that process ${pid} is using`
  return new ProfileLockedError(
    `${path}: expected a folder nobody uses, got ${got}; wait for it, or choose another --out`,
  )
}

function isRunning(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readPort(path: string): number | undefined {
  try {
    const port = Number(readFileSync(path, 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined
  } catch {
    return undefined
  }
}
