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

/**
 * Opens a profile for this process alone; a lock left by a process that is gone is taken over.
 * @throws {ProfileLockedError} when another process has it.
 */
export function openProfile(folder: string): Profile {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'lock')
  const portFile = join(folder, 'port')
  takeLock(lock)
  return {
    folder: join(folder, 'profile'),
    port: readPort(portFile),
    keepPort: (port) => writeFileSync(portFile, String(port)),
    release: () => rmSync(lock, { force: true }),
  }
}

function takeLock(path: string): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(readFileSync(path, 'utf8'))
      if (isRunning(owner))
        throw new ProfileLockedError(
          `${path}: expected a folder nobody uses, got one that process ${owner} is using; wait for it, or choose another --out`,
        )
      rmSync(path, { force: true })
    }
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
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
