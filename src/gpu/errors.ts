/** No usable WebGPU here; the message says what is missing and which browsers have it. */
export class GpuUnavailableError extends Error {
  override readonly name = 'GpuUnavailableError'
}

/** The device was lost (driver reset, tab in the background too long, adapter unplugged, or closed by us). */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError'
}

/** A kernel failed on the device: validation, out of memory or compilation; the message names the kernel. */
export class KernelError extends Error {
  override readonly name = 'KernelError'
}

/** A kernel was given tensors or values it cannot take; thrown before anything is recorded. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}
