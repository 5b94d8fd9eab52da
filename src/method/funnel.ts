/** What one rule did. */
export interface FunnelStep {
  readonly rule: string
  readonly unit: 'candidates' | 'pairs'
  readonly came: number
  readonly removed: number
  /** came - removed. */
  readonly remained: number
  /** The first few of those removed. */
  readonly examples: readonly FunnelExample[]
}

export interface FunnelExample {
  readonly image: string
  readonly text: string
  /** Why it went, with the figure that decided: "score 17.2 below 20". */
  readonly why: string
}

/** Examples kept for each rule. */
const EXAMPLES = 3

/** Something that is removed, as an example shows it. */
export interface Shown {
  readonly image: string
  readonly text: string
}

/** Counts, rule by rule in the order of their first use, what came, went and stayed; it adds up over any number of calls. */
export class Funnel {
  readonly #steps = new Map<
    string,
    { unit: FunnelStep['unit']; came: number; removed: number; examples: FunnelExample[] }
  >()

  /**
   * Applies a rule and counts it.
   * @param why says why an item goes; undefined keeps it. @param show how an item is shown among the examples.
   * @returns the items that stay, in order.
   */
  filter<T>(
    rule: string,
    unit: FunnelStep['unit'],
    items: readonly T[],
    why: (item: T) => string | undefined,
    show: (item: T) => Shown,
  ): T[] {
    const step = this.#step(rule, unit)
    step.came += items.length
    return items.filter((item) => {
      const reason = why(item)
      if (reason === undefined) return true
      step.removed++
      if (step.examples.length < EXAMPLES) step.examples.push({ ...show(item), why: reason })
      return false
    })
  }

  /** Adds what another funnel counted; its rules come after those this one has, unless they are the same. */
  add(steps: readonly FunnelStep[]): void {
    for (const { rule, unit, came, removed, examples } of steps) {
      const step = this.#step(rule, unit)
      step.came += came
      step.removed += removed
      step.examples.push(...examples.slice(0, EXAMPLES - step.examples.length))
    }
  }

  /** The steps so far: `funnel.json`. */
  get steps(): FunnelStep[] {
    return [...this.#steps].map(([rule, { unit, came, removed, examples }]) => ({
      rule,
      unit,
      came,
      removed,
      remained: came - removed,
      examples: [...examples],
    }))
  }

  #step(rule: string, unit: FunnelStep['unit']) {
    let step = this.#steps.get(rule)
    if (!step) {
      step = { unit, came: 0, removed: 0, examples: [] }
      this.#steps.set(rule, step)
    }
    return step
  }
}
