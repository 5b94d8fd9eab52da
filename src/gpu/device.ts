import { GpuUnavailableError } from './errors.ts'
import { findSubgroupFault } from './subgroups.ts'

/**
 * Optional WebGPU features the kernels have a second path for. `shader-f16` is not among them: sums are kept in f32,
 * and 16-bit weights are read by core WGSL (`unpack2x16float`), so that every device stores them.
 */
export type OptionalFeature = 'subgroups' | 'timestamp-query'

export interface DeviceOptions {
  /** Which adapter to prefer on machines with two. Default `high-performance`. */
  powerPreference?: GPUPowerPreference
  /** Features to leave off although the adapter has them, so that the fallback path runs. Default none. */
  without?: readonly OptionalFeature[]
}

/** What the adapter is and what was enabled on it. */
export interface DeviceProfile {
  vendor: string
  architecture: string
  description: string
  /** True when the adapter computes on the CPU (SwiftShader, llvmpipe, WARP). */
  isSoftware: boolean
  features: Record<OptionalFeature, boolean>
  /** Smallest and largest subgroup a kernel can meet; both 0 without the feature. */
  subgroupSize: { min: number; max: number }
  /** Why subgroups were left off although the adapter has them: a probe found them laid out as no kernel expects. */
  subgroupFault?: string
  /** Names one adapter and driver as far as the browser tells; keys caches of tuned tiles. */
  fingerprint: string
}

export interface OpenedDevice {
  device: GPUDevice
  profile: DeviceProfile
}

const OPTIONAL: readonly OptionalFeature[] = ['subgroups', 'timestamp-query']

/** Limits raised to what the adapter offers; all others stay at WebGPU's defaults. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const

/** Storage buffers a kernel may bind: the smallest maximum among WebGPU's compatible devices. */
export const MAX_STORAGE_BUFFERS = 8

/**
 * The adapter this page may use.
 * @throws {GpuUnavailableError} when the browser has no WebGPU or offers no adapter.
 */
export async function requestAdapter(
  powerPreference: GPUPowerPreference = 'high-performance',
): Promise<GPUAdapter> {
  const gpu = globalThis.navigator?.gpu
  if (!gpu) {
    throw new GpuUnavailableError(
      'WebGPU is missing: expected navigator.gpu, found none. Use Chrome or Edge 113+, Safari 26+ or Firefox 141+ ' +
        '(on Linux start Chrome with --enable-unsafe-webgpu --enable-features=Vulkan), and open the page over https or from localhost.',
    )
  }
  const adapter = await gpu.requestAdapter({ powerPreference })
  if (!adapter) {
    throw new GpuUnavailableError(
      'WebGPU found no adapter: the graphics driver is missing, too old or blocked. Look at chrome://gpu; ' +
        'a software adapter (slow, but complete) starts with --enable-unsafe-webgpu.',
    )
  }
  return adapter
}

/** Tells an adapter that computes on the CPU from one with a GPU behind it. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  if (info.isFallbackAdapter) return true
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase()
  return /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp\b/.test(words)
}

/**
 * Opens a device with the adapter's highest useful limits and those optional features it has; subgroups only where
 * a probe finds their members to be neighbours, as the kernels take them to be.
 * @throws {GpuUnavailableError} when there is no adapter or it refuses a device.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const opened = await requestDevice(options)
  if (!opened.profile.features.subgroups) return opened
  const subgroupFault = await findSubgroupFault(opened.device)
  if (subgroupFault === undefined) return opened
  opened.device.destroy()
  const { device, profile } = await requestDevice({
    ...options,
    without: [...(options.without ?? []), 'subgroups'],
  })
  return { device, profile: { ...profile, subgroupFault } }
}

async function requestDevice(options: DeviceOptions): Promise<OpenedDevice> {
  const adapter = await requestAdapter(options.powerPreference)
  const enabled = OPTIONAL.filter((f) => adapter.features.has(f) && !options.without?.includes(f))
  const requiredLimits: Record<string, number> = {}
  for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name]
  let device: GPUDevice
  try {
    device = await adapter.requestDevice({
      label: 'clip-dpo',
      requiredFeatures: enabled as GPUFeatureName[],
      requiredLimits,
    })
  } catch (cause) {
    throw new GpuUnavailableError(`the adapter refused a device: ${String(cause)}`, { cause })
  }
  return { device, profile: describe(adapter, enabled) }
}

function describe(adapter: GPUAdapter, enabled: readonly OptionalFeature[]): DeviceProfile {
  const { info } = adapter
  const features = Object.fromEntries(OPTIONAL.map((f) => [f, enabled.includes(f)]))
  const subgroups = enabled.includes('subgroups')
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description || info.device,
    isSoftware: isSoftwareAdapter(info),
    features: features as Record<OptionalFeature, boolean>,
    subgroupSize: {
      min: subgroups ? (info.subgroupMinSize ?? 4) : 0,
      max: subgroups ? (info.subgroupMaxSize ?? 128) : 0,
    },
    fingerprint: [info.vendor, info.architecture, info.device, info.description, ...enabled].join('|'),
  }
}
