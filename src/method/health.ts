/** The figures of one step that tell whether training goes well; TRL's names. */
export interface HealthFigures {
  readonly step: number
  readonly loss: number
  readonly grad_norm: number
  readonly 'rewards/chosen': number
  readonly 'logps/chosen': number
  readonly 'logps/rejected': number
}

/** What is wrong with a run, for people. */
export interface Ailment {
  readonly kind: 'not-finite' | 'exploding' | 'collapsing'
  /** The step whose figures show it. */
  readonly step: number
  /** What happened and what to do, in words. */
  readonly message: string
}

/** A gradient norm this many times that of the first steps is no longer noise. */
const EXPLOSION = 100
const FIRST_STEPS = 10
/** Steps in a row that make one large norm an explosion. */
const PATIENCE = 3
/** Steps over which the chosen answers' log-probability is averaged. */
const WINDOW = 5
/** Chosen answers have collapsed when they lost this many times their reference log-probability, and so many nats. */
const COLLAPSE = 2
const COLLAPSE_NATS = 10

/**
 * Watches a run's figures, step by step, for what no further training mends: NaN or infinite figures, a gradient norm
 * 100 times that of the first ten steps that had a gradient for three steps on end, and chosen answers that have become far less likely than
 * under the reference (in the mean of five steps by more than twice the reference's own log-probability, and 10 nats).
 */
export class HealthMonitor {
  readonly #beta: number
  readonly #firstNorms: number[] = []
  readonly #recent: HealthFigures[] = []
  #largeNorms = 0

  /** @param beta the factor between log-ratios and rewards. */
  constructor(beta: number) {
    this.#beta = beta
  }

  /** True when the last step gave no cause for concern, so that what was saved before it may be kept. */
  get isWell(): boolean {
    return this.#largeNorms === 0
  }

  /** @returns what is wrong after this step, or undefined. */
  check(figures: HealthFigures): Ailment | undefined {
    return this.#notFinite(figures) ?? this.#exploding(figures) ?? this.#collapsing(figures)
  }

  #notFinite(figures: HealthFigures): Ailment | undefined {
    const { step } = figures
    const names = ['loss', 'grad_norm', 'logps/chosen', 'logps/rejected'] as const
    const bad = names.filter((name) => !Number.isFinite(figures[name]))
    if (bad.length === 0) return undefined
    const what = bad.map((name) => `${name} is ${figures[name]}`).join(', ')
    return {
      kind: 'not-finite',
      step,
      message: `at step ${step} ${what}: the adapter's numbers have left what floats can hold. Lower learning_rate, or lower max_grad_norm`,
    }
  }

  #exploding({ step, grad_norm: norm }: HealthFigures): Ailment | undefined {
    if (this.#firstNorms.length < FIRST_STEPS) {
      const usual = this.#firstNorms.length > 0 ? Math.max(...this.#firstNorms) : Number.POSITIVE_INFINITY
      this.#largeNorms = norm > EXPLOSION * usual ? this.#largeNorms + 1 : 0
      // A step without a gradient, as one of equal answers has none, does not tell what is usual.
      if (this.#largeNorms === 0 && norm > 0) this.#firstNorms.push(norm)
    } else {
      this.#largeNorms = norm > EXPLOSION * Math.max(...this.#firstNorms) ? this.#largeNorms + 1 : 0
    }
    if (this.#largeNorms < PATIENCE) return undefined
    const times = Math.round(norm / Math.max(...this.#firstNorms))
    return {
      kind: 'exploding',
      step,
      message: `at step ${step} the gradient's norm is ${norm.toPrecision(3)}, ${times} times the largest of the first steps, for the ${PATIENCE}rd step on end: training diverges. Lower learning_rate, or warm up longer`,
    }
  }

  #collapsing(figures: HealthFigures): Ailment | undefined {
    this.#recent.push(figures)
    if (this.#recent.length > WINDOW) this.#recent.shift()
    if (this.#recent.length < WINDOW) return undefined
    const mean = (value: (f: HealthFigures) => number): number =>
      this.#recent.reduce((total, f) => total + value(f), 0) / WINDOW
    const policy = mean((f) => f['logps/chosen'])
    const fall = mean((f) => -f['rewards/chosen'] / this.#beta)
    const reference = policy + fall
    if (fall <= Math.max(COLLAPSE * Math.abs(reference), COLLAPSE_NATS)) return undefined
    const { step } = figures
    return {
      kind: 'collapsing',
      step,
      message: `at step ${step} the chosen answers' log-probability has fallen from ${reference.toFixed(1)} to ${policy.toFixed(1)}: the model unlearns good answers too. Lower learning_rate, raise beta, or add the sft loss (loss_type ["sigmoid", "sft"])`,
    }
  }
}
