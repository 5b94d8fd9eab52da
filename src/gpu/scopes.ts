/** Error scopes around what is asked of a device, and the promises that their verdicts come with. */
export class ErrorScopes {
  readonly #device: GPUDevice
  readonly #onError: (label: string, error: GPUError) => void
  readonly #pending = new Set<Promise<unknown>>()

  constructor(device: GPUDevice, onError: (label: string, error: GPUError) => void) {
    this.#device = device
    this.#onError = onError
  }

  /** Does something within scopes for running out of memory and for validation; `label` names it if it fails. */
  guard<T>(label: () => string, action: () => T): T {
    this.#device.pushErrorScope('out-of-memory')
    this.#device.pushErrorScope('validation')
    try {
      return action()
    } finally {
      this.#pop(label)
      this.#pop(label)
    }
  }

  /** Makes `settled` wait for this too. */
  track(promise: Promise<unknown>): void {
    const forget = () => this.#pending.delete(promise)
    this.#pending.add(promise)
    promise.then(forget, forget)
  }

  /** Resolves once the verdict on everything done before the call is in. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#pending])
  }

  #pop(label: () => string): void {
    this.track(
      this.#device.popErrorScope().then(
        (error) => {
          if (error) this.#onError(label(), error)
        },
        () => undefined, // the device was lost: reported by its own event
      ),
    )
  }
}
