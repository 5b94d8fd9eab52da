import { type DeviceOptions, type DeviceProfile, openDevice, requestAdapter } from './device.ts'
import { GpuUnavailableError } from './errors.ts'

/** What stands between this page and WebGPU, or how fast it will be. */
export type GpuState = 'missing' | 'no-adapter' | 'refused' | 'software' | 'hardware'

/** Everything the doctor looks at; plain data. */
export interface Findings {
  gpu: GpuState
  /** Why there is no device; absent when there is one. */
  reason?: string
  adapter?: DeviceProfile
  /** Limits of the opened device that decide what fits. */
  limits?: Record<LimitName, number>
  /** Every feature the adapter offers, sorted. */
  adapterFeatures?: string[]
  crossOriginIsolated: boolean
  /** Over https or from localhost: WebGPU is hidden elsewhere. */
  secureContext: boolean
  storage: StorageFindings
  /** Logical processors, for what runs on WASM. */
  cpuThreads: number
  userAgent: string
}

export interface StorageFindings {
  /** Bytes this origin may store, 0 when the browser does not say. */
  quotaBytes: number
  usedBytes: number
  /** True when the browser promised not to clear it on its own. */
  persisted: boolean
}

/** What the findings mean. */
export interface Verdict {
  /** `ready`: go on; `slow`: everything works, slowly; `blocked`: no WebGPU. */
  level: 'ready' | 'slow' | 'blocked'
  headline: string
  /** One plain sentence each, the most important first. */
  notes: string[]
}

export interface Diagnosis extends Findings {
  verdict: Verdict
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const
export type LimitName = (typeof LIMITS)[number]

const GIB = 2 ** 30
const MIB = 2 ** 20
/** The embedded models, a run's outputs and room to spare. */
const ENOUGH_STORAGE_BYTES = 4 * GIB
/** The largest single tensor of the models meant for laptops: an embedding of 49,280 x 576 in f32. */
const ENOUGH_BINDING_BYTES = 128 * MIB
const BROWSERS = 'Chrome or Edge 113 or newer, Safari 26 or newer, or Firefox 141 or newer'

/** Looks at WebGPU, isolation and storage, and says what it found and what that means. Opens a device and closes it. */
export async function diagnose(options: DeviceOptions = {}): Promise<Diagnosis> {
  const findings: Findings = {
    ...(await examineGpu(options)),
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    secureContext: globalThis.isSecureContext,
    storage: await examineStorage(),
    cpuThreads: navigator.hardwareConcurrency,
    userAgent: navigator.userAgent,
  }
  return { verdict: judge(findings), ...findings }
}

type GpuFindings = Pick<Findings, 'gpu' | 'reason' | 'adapter' | 'limits' | 'adapterFeatures'>

async function examineGpu(options: DeviceOptions): Promise<GpuFindings> {
  if (!globalThis.navigator?.gpu) return { gpu: 'missing', reason: 'the browser offers no navigator.gpu' }
  let adapterFeatures: string[]
  try {
    const adapter = await requestAdapter(options.powerPreference)
    adapterFeatures = [...adapter.features].sort()
  } catch (error) {
    return { gpu: 'no-adapter', reason: messageOf(error) }
  }
  try {
    const { device, profile } = await openDevice(options)
    const limits = Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]]))
    device.destroy()
    return {
      gpu: profile.isSoftware ? 'software' : 'hardware',
      adapter: profile,
      limits: limits as Record<LimitName, number>,
      adapterFeatures,
    }
  } catch (error) {
    return { gpu: 'refused', reason: messageOf(error), adapterFeatures }
  }
}

async function examineStorage(): Promise<StorageFindings> {
  // Absent outside secure contexts.
  const storage = navigator.storage as StorageManager | undefined
  const [estimate, persisted] = await Promise.all([
    storage?.estimate().catch(() => undefined),
    storage?.persisted().catch(() => undefined),
  ])
  return {
    quotaBytes: estimate?.quota ?? 0,
    usedBytes: estimate?.usage ?? 0,
    persisted: persisted ?? false,
  }
}

/** What findings mean, in plain words. Pure. */
export function judge(findings: Findings): Verdict {
  const notes: string[] = []
  const verdict = judgeGpu(findings, notes)
  if (!findings.crossOriginIsolated) {
    notes.push(
      'The page is not cross-origin isolated: what runs on WASM gets one thread instead of several. ' +
        'Serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
    )
  }
  const { quotaBytes, usedBytes, persisted } = findings.storage
  const freeBytes = Math.max(0, quotaBytes - usedBytes)
  if (freeBytes < ENOUGH_STORAGE_BYTES) {
    notes.push(
      `The browser lets this page store ${formatBytes(freeBytes)} more, less than the ${formatBytes(ENOUGH_STORAGE_BYTES)} ` +
        'that models and runs may need; private windows and full disks have little.',
    )
  } else if (!persisted) {
    notes.push(
      'Storage is not persistent yet: the browser may clear models and runs when the disk fills up, so export what you want to keep.',
    )
  }
  return { ...verdict, notes }
}

function judgeGpu(findings: Findings, notes: string[]): Pick<Verdict, 'level' | 'headline'> {
  const { gpu, adapter, limits, reason } = findings
  if (gpu === 'missing') {
    notes.push(
      findings.secureContext
        ? `This browser has no WebGPU, or has it switched off. These have it: ${BROWSERS}.`
        : `WebGPU is hidden because the page is not secure: open it over https or from localhost, in ${BROWSERS}.`,
    )
    return { level: 'blocked', headline: 'WebGPU is missing.' }
  }
  if (!adapter || !limits) {
    notes.push(
      `The browser has WebGPU but ${gpu === 'refused' ? 'the adapter gave no device' : 'no adapter for it'}: ${reason ?? 'no reason given'}`,
    )
    return { level: 'blocked', headline: 'WebGPU is there, but no GPU answers.' }
  }
  if (gpu === 'software') {
    notes.push(
      'Software adapter: the CPU does the work of a GPU, about 100 times slower than a laptop GPU. Everything runs and gives right results; stay with small models, such as the demo’s.',
      'ONNX models will run on WASM, which is faster than this adapter.',
      'If this computer has a GPU: update its driver, switch hardware acceleration on in the browser, and look at chrome://gpu.',
    )
  }
  noteSubgroups(adapter, notes)
  if (limits.maxStorageBufferBindingSize < ENOUGH_BINDING_BYTES) {
    notes.push(
      `The largest tensor may have ${formatBytes(limits.maxStorageBufferBindingSize)}; models with larger ones will be refused.`,
    )
  }
  return gpu === 'software'
    ? { level: 'slow', headline: 'WebGPU works, in software.' }
    : { level: 'ready', headline: 'WebGPU works, on a GPU.' }
}

function noteSubgroups({ features, isSoftware, subgroupFault }: DeviceProfile, notes: string[]): void {
  if (subgroupFault !== undefined) {
    notes.push(
      'Subgroup operations are left off: this driver lays them out in a way the kernels do not know ' +
        `(${subgroupFault}). Results are right all the same; sums over a row go through workgroup memory, which is slower.`,
    )
  } else if (!features.subgroups && !isSoftware) {
    notes.push('No subgroup operations: sums over a row go through workgroup memory, which is slower.')
  }
}

/** Bytes for people: `3.5 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= GIB) return `${Number((bytes / GIB).toPrecision(3))} GiB`
  if (bytes >= MIB) return `${Number((bytes / MIB).toPrecision(3))} MiB`
  return `${Number((bytes / 1024).toPrecision(3))} KiB`
}

function messageOf(error: unknown): string {
  if (error instanceof GpuUnavailableError) return error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
