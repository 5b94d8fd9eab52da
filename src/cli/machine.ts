import { spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'

/** What the search for a browser asks of the computer it runs on; tests give one of their own. */
export interface Machine {
  platform: NodeJS.Platform
  env: Readonly<Record<string, string | undefined>>
  isRoot: boolean
  /** `ID` and `ID_LIKE` of /etc/os-release, such as `debian`; empty elsewhere. */
  distribution: string
  isExecutable(path: string): boolean
  exists(path: string): boolean
  /** Where Playwright keeps its Chromium, downloaded or not; undefined where Playwright has none. */
  playwrightPath(): string | undefined
  /** Runs a command to its end. @returns its output, or undefined when it failed or outlasted its time. */
  run(command: string, args: readonly string[], options: RunOptions): string | undefined
  /** Runs Playwright's own command line. */
  runPlaywright(args: readonly string[], options: RunOptions): string | undefined
  log(line: string): void
}

export interface RunOptions {
  timeoutMs: number
  /** What of its output the user sees; what is shown is not returned. Default nothing. */
  shown?: 'nothing' | 'errors' | 'all'
  env?: Readonly<Record<string, string>>
}

export function thisMachine(): Machine {
  const { platform, env } = process
  return {
    platform,
    env,
    isRoot: process.getuid?.() === 0,
    distribution: platform === 'linux' ? readDistribution() : '',
    isExecutable,
    exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
    playwrightPath() {
      try {
        return chromium.executablePath() || undefined
      } catch {
        return undefined // no Chromium is built for this platform
      }
    },
    run,
    runPlaywright(args, options) {
      const home = dirname(createRequire(import.meta.url).resolve('playwright-core/package.json'))
      return run(process.execPath, [join(home, 'cli.js'), ...args], options)
    },
    log: (line) => process.stderr.write(`${line}\n`),
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What is shown goes to stderr: stdout belongs to the command's result. */
function run(command: string, args: readonly string[], options: RunOptions): string | undefined {
  const { shown = 'nothing' } = options
  const result = spawnSync(command, args, {
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...options.env },
    stdio: ['ignore', shown === 'all' ? 2 : 'pipe', shown === 'nothing' ? 'ignore' : 2],
    maxBuffer: 64 * 2 ** 20,
    encoding: 'utf8',
  })
  return result.status === 0 ? (result.stdout ?? '') : undefined
}

function readDistribution(): string {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n')
    return lines
      .filter((line) => /^ID(_LIKE)?=/.test(line))
      .map((line) => line.slice(line.indexOf('=') + 1).replaceAll('"', ''))
      .join(' ')
  } catch {
    return ''
  }
}
