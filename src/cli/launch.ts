import { type Machine, thisMachine } from './machine.ts'

/** How a driver starts the browser. */
export interface BrowserLaunch {
  executablePath: string
  args: string[]
  /** For Playwright, which leaves the sandbox off unless told; Puppeteer goes by the flags. */
  chromiumSandbox: boolean
}

/** The device nodes of a GPU: Linux's render nodes, NVIDIA's without one, and Windows' own inside WSL. */
const GPU_NODES = ['/dev/dri/renderD128', '/dev/dri/renderD129', '/dev/nvidia0', '/dev/dxg']

const QUIET = [
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  // What remains of its calls home, for updates and accounts, goes where nobody answers.
  '--component-updater=url-source=http://localhost:9/',
  '--gaia-url=http://localhost:9/',
]

/** Flags a headless Chrome needs for WebGPU on this machine, and those that stop its calls home. */
export function launchFlags(machine: Machine = thisMachine()): string[] {
  const flags = [
    ...QUIET,
    '--enable-unsafe-webgpu', // WebGPU on Linux, and software adapters everywhere
    '--enable-webgpu-developer-features', // the adapter's name, and timestamps that are not rounded to 100 microseconds
  ]
  if (machine.platform === 'linux') {
    const hasGpu = GPU_NODES.some((node) => machine.exists(node))
    if (hasGpu) flags.push('--enable-features=Vulkan', '--use-angle=vulkan', '--disable-vulkan-surface')
    else flags.push('--use-webgpu-adapter=swiftshader', '--enable-unsafe-swiftshader')
  }
  if (!sandboxWorks(machine)) flags.push('--no-sandbox')
  return flags
}

/** How to start the browser at this path for WebGPU. */
export function browserLaunch(executablePath: string, machine: Machine = thisMachine()): BrowserLaunch {
  return { executablePath, args: launchFlags(machine), chromiumSandbox: sandboxWorks(machine) }
}

/** Chrome's sandbox refuses root, and needs user namespaces, which containers and some distributions forbid. */
export function sandboxWorks(machine: Machine): boolean {
  if (machine.platform !== 'linux') return true
  if (machine.isRoot) return false
  return machine.run('unshare', ['--user', '--map-root-user', 'true'], { timeoutMs: 5_000 }) !== undefined
}
