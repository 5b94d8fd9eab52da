import { css, html, LitElement, nothing } from 'lit'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

/** Whether the browser lets a page ask for a camera: not on an address without encryption. */
export function hasCamera(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === 'function'
}

/**
 * `<camera-shot>`: what the camera sees, until a picture is taken (`shot`, a `CustomEvent<File>`) or it is closed (`close`). The
 * browser asks whether it may; the camera is let go in every case.
 */
export class CameraShot extends LitElement {
  static override properties = {
    stream: { state: true },
    isShowing: { state: true },
    problem: { state: true },
  }
  declare stream: MediaStream | undefined
  /** Whether there is a picture to take: a camera takes a moment to its first. */
  declare isShowing: boolean
  declare problem: string | undefined

  constructor() {
    super()
    this.isShowing = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#open()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#release()
  }

  override render() {
    const { stream, isShowing, problem } = this
    return html`
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${
        stream
          ? html`<video autoplay muted playsinline .srcObject=${stream} aria-label="What the camera sees" @loadeddata=${() => {
              this.isShowing = true
            }}></video>`
          : nothing
      }
      <div class="row">
        <button class="primary" ?disabled=${!isShowing} @click=${() => this.#take()}>Take the picture</button>
        <button @click=${() => this.dispatchEvent(new Event('close'))}>Close the camera</button>
      </div>
    `
  }

  async #open(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'environment' },
        audio: false,
      })
      if (this.isConnected) this.stream = stream
      else for (const track of stream.getTracks()) track.stop()
    } catch (error) {
      const name = error instanceof Error ? error.name : ''
      this.problem =
        name === 'NotAllowedError'
          ? 'The browser does not allow the camera: allow it in the address bar, or choose a picture instead.'
          : name === 'NotFoundError'
            ? 'There is no camera.'
            : plainProblem(error)
    }
  }

  /** The middle square, as the page shows it. */
  async #take(): Promise<void> {
    const video = this.renderRoot.querySelector('video')
    const side = Math.min(video?.videoWidth ?? 0, video?.videoHeight ?? 0)
    if (!video || side === 0) return
    const canvas = new OffscreenCanvas(side, side)
    const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2]
    canvas.getContext('2d')?.drawImage(video, left, top, side, side, 0, 0, side, side)
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
    const detail = new File([blob], 'camera.jpg', { type: blob.type })
    this.dispatchEvent(new CustomEvent('shot', { detail }))
  }

  #release(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop()
    this.stream = undefined
    this.isShowing = false
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      video { width: 100%; max-width: 22rem; aspect-ratio: 1; object-fit: cover; border-radius: 11px; background: #000; }
    `,
  ]
}

customElements.define('camera-shot', CameraShot)
