import { posix, win32 } from 'node:path'
import { type Machine, thisMachine } from './machine.ts'

/** The first version of Chrome with WebGPU. */
const OLDEST_VERSION = 113
const MINUTE_MS = 60_000

const LINUX_NAMES = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
]
const MAC_NAMES = ['Google Chrome', 'Chromium', 'Microsoft Edge']
const WINDOWS_PATHS = [
  ['Google', 'Chrome', 'Application', 'chrome.exe'],
  ['Chromium', 'Application', 'chrome.exe'],
  ['Microsoft', 'Edge', 'Application', 'msedge.exe'],
]

/** No browser here, none could be installed, or `CHROME_PATH` is wrong; the message says what to do. */
export class BrowserMissingError extends Error {
  override readonly name = 'BrowserMissingError'
}

/**
 * The path of a browser with WebGPU: `CHROME_PATH`, then an installed Chrome, Chromium or Edge, then Playwright's.
 * @returns undefined when there is none.
 * @throws {BrowserMissingError} when `CHROME_PATH` is set and does not lead to a program.
 */
export function findBrowser(machine: Machine = thisMachine()): string | undefined {
  const chosen = machine.env.CHROME_PATH
  if (chosen) {
    if (machine.isExecutable(chosen)) return chosen
    throw new BrowserMissingError(
      `CHROME_PATH: expected the path of a browser's program, got ${chosen}, which is none; correct it or unset it`,
    )
  }
  const installed = installedPaths(machine).find((path) => isUsable(path, machine))
  if (installed) return installed
  const downloaded = machine.playwrightPath()
  return downloaded && machine.isExecutable(downloaded) ? downloaded : undefined
}

/**
 * As `findBrowser`, but installs a browser where there is none.
 * @throws {BrowserMissingError} when that fails too.
 */
export function provideBrowser(machine: Machine = thisMachine()): string {
  const found = findBrowser(machine)
  if (found) return found
  const tried: string[] = []
  for (const step of installSteps(machine)) {
    machine.log(`clip-dpo: no Chrome, Chromium or Edge found; installing Chromium: ${step.title}`)
    const succeeded = step.run(machine)
    const installed = findBrowser(machine)
    if (installed) return installed
    tried.push(`${step.title} (${succeeded ? 'left no browser' : 'failed'})`)
  }
  throw new BrowserMissingError(
    `no browser: expected Chrome, Chromium or Edge ${OLDEST_VERSION} or newer, found none; tried ${tried.join(', then ')}. ` +
      'Install one (for example https://www.google.com/chrome), or set CHROME_PATH to the path of its program.',
  )
}

/** Where this platform's browsers usually are, whether or not they exist. */
export function installedPaths(machine: Machine): string[] {
  const { env } = machine
  switch (machine.platform) {
    case 'darwin':
      return MAC_NAMES.flatMap((name) =>
        ['', env.HOME ?? ''].map((root) => `${root}/Applications/${name}.app/Contents/MacOS/${name}`),
      )
    case 'win32': {
      const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(
        (r) => r !== undefined,
      )
      return WINDOWS_PATHS.flatMap((parts) => roots.map((root) => win32.join(root, ...parts)))
    }
    default: {
      const folders = (env.PATH ?? '').split(':').filter((folder) => folder !== '')
      return LINUX_NAMES.flatMap((name) => folders.map((folder) => posix.join(folder, name)))
    }
  }
}

/** One way to get a browser. */
export interface InstallStep {
  title: string
  /** @returns whether the installer reported success. */
  run(machine: Machine): boolean
}

/**
 * Ways to install a browser here, the likeliest first.
 * Debian's package brings the libraries a bare machine lacks; Ubuntu's is only a pointer to a snap, so there
 * Playwright's build comes, with the libraries when we may install them.
 */
export function installSteps(machine: Machine): InstallStep[] {
  const isLinuxRoot = machine.platform === 'linux' && machine.isRoot
  const families = machine.distribution.split(' ')
  const hasApt = families.includes('debian') || families.includes('ubuntu')
  const steps: InstallStep[] = []
  if (isLinuxRoot && hasApt && !families.includes('ubuntu')) steps.push(APT)
  steps.push(playwrightStep(isLinuxRoot && hasApt))
  return steps
}

const APT: InstallStep = {
  title: 'apt-get install chromium',
  run(machine) {
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    const apt = (timeoutMs: number, ...args: string[]) =>
      machine.run('apt-get', ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=120', '-qq', ...args], {
        timeoutMs,
        env,
        shown: 'errors',
      })
    const install = () => apt(10 * MINUTE_MS, 'install', '-y', '--no-install-recommends', 'chromium')
    // An update without a network fails, but the lists at hand may do.
    apt(3 * MINUTE_MS, 'update')
    return install() !== undefined
  },
}

function playwrightStep(withLibraries: boolean): InstallStep {
  const args = ['install', ...(withLibraries ? ['--with-deps'] : []), '--no-shell', 'chromium']
  return {
    title: `playwright-core ${args.join(' ')}`,
    run: (machine) =>
      machine.runPlaywright(args, {
        timeoutMs: 10 * MINUTE_MS,
        shown: 'all',
        env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '15000' },
      }) !== undefined,
  }
}

/** Refuses what is there but does not run, such as Ubuntu's pointer to a snap, and versions without WebGPU. */
function isUsable(path: string, machine: Machine): boolean {
  if (!machine.isExecutable(path)) return false
  if (machine.platform === 'win32') return true // there `--version` would open a window
  const version = machine.run(path, ['--version'], { timeoutMs: 20_000 })
  const major = Number(/(\d+)\.\d+/.exec(version ?? '')?.[1] ?? 0)
  return major >= OLDEST_VERSION
}
