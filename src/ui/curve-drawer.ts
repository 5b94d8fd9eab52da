import type { TemplateResult } from 'lit'
import { CURVE_CHARTS, type StepMetrics } from './views/curve-charts.ts'
import { type CurvesOptions, curveFigure, readablePlaces } from './views/curve-figure.ts'

/** Draws a training's charts one in each animation frame, so that no frame is held up by all of them. */
export class CurveDrawer {
  readonly #onDrawn: () => void
  #wanted: { readonly metrics: readonly StepMetrics[]; readonly options: CurvesOptions } | undefined
  #isDrawing = false
  /** Raised when everything is forgotten. */
  #epoch = 0
  #figures: TemplateResult[] = []

  /** @param onDrawn called after each chart. */
  constructor(onDrawn: () => void) {
    this.#onDrawn = onDrawn
  }

  /** What has been drawn so far. */
  get figures(): readonly TemplateResult[] {
    return this.#figures
  }

  /** Draws these figures; a drawing under way is finished first, and of those asked for meanwhile only the latest follows. */
  async draw(metrics: readonly StepMetrics[], options: CurvesOptions = {}): Promise<void> {
    this.#wanted = { metrics, options }
    if (this.#isDrawing) return
    this.#isDrawing = true
    try {
      while (this.#wanted) {
        const wanted = this.#wanted
        this.#wanted = undefined
        await this.#drawAll(wanted.metrics, wanted.options)
      }
    } finally {
      this.#isDrawing = false
    }
  }

  /** Forgets what was drawn and what was to be. */
  clear(): void {
    this.#figures = []
    this.#wanted = undefined
    this.#epoch++
  }

  async #drawAll(metrics: readonly StepMetrics[], options: CurvesOptions): Promise<void> {
    if (metrics.length === 0) return
    const epoch = this.#epoch
    const places = readablePlaces(metrics)
    for (const [i, one] of CURVE_CHARTS.entries()) {
      await nextFrame()
      if (epoch !== this.#epoch) return
      const figure = curveFigure(one, metrics, places, options)
      this.#figures = [...this.#figures.slice(0, i), figure, ...this.#figures.slice(i + 1)]
      this.#onDrawn()
    }
  }
}

/** A page that nobody sees has none, and draws nothing. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()))
}
