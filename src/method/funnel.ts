/** What one rule did. */
export interface FunnelStep {
  readonly rule: string
  readonly unit: 'questions' | 'candidates' | 'pairs'
  readonly came: number
  readonly removed: number
  /** Edits by hand alone: those that were made others, and those that came beside them. */
  readonly changed?: number
  readonly added?: number
  /** came - removed + added. */
  readonly remained: number
  /** The first few of those removed, changed or added. */
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

/** What a person did to one item, and how it is shown among the examples. */
export interface FunnelEdit extends FunnelExample {
  readonly kind: 'removed' | 'changed' | 'added'
}

/** Something that is removed, as an example shows it. */
export interface Shown {
  readonly image: string
  readonly text: string
}

/** What is counted of one rule. */
interface Count {
  readonly unit: FunnelStep['unit']
  came: number
  removed: number
  edits?: { changed: number; added: number }
  readonly examples: FunnelExample[]
}

/** Counts, rule by rule in the order of their first use, what came, went and stayed; it adds up over any number of calls. */
export class Funnel {
  readonly #steps = new Map<string, Count>()

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

  /** Counts what a person did to the items that came. */
  edit(rule: string, unit: FunnelStep['unit'], came: number, edits: readonly FunnelEdit[]): void {
    const step = this.#step(rule, unit)
    step.came += came
    step.edits ??= { changed: 0, added: 0 }
    for (const { kind, ...example } of edits) {
      if (kind === 'removed') step.removed++
      else step.edits[kind]++
      if (step.examples.length < EXAMPLES) step.examples.push(example)
    }
  }

  /** Adds what another funnel counted; its rules come after those this one has, unless they are the same. */
  add(steps: readonly FunnelStep[]): void {
    for (const { rule, unit, came, removed, changed, added, examples } of steps) {
      const step = this.#step(rule, unit)
      step.came += came
      step.removed += removed
      if (changed !== undefined || added !== undefined) {
        step.edits ??= { changed: 0, added: 0 }
        step.edits.changed += changed ?? 0
        step.edits.added += added ?? 0
      }
      step.examples.push(...examples.slice(0, EXAMPLES - step.examples.length))
    }
  }

  /** The steps so far: `funnel.json`. */
  get steps(): FunnelStep[] {
    return [...this.#steps].map(([rule, { unit, came, removed, edits, examples }]) => ({
      rule,
      unit,
      came,
      removed,
      ...edits,
      remained: came - removed + (edits?.added ?? 0),
      examples: [...examples],
    }))
  }

  #step(rule: string, unit: FunnelStep['unit']): Count {
    let step = this.#steps.get(rule)
    if (!step) {
      step = { unit, came: 0, removed: 0, examples: [] }
      this.#steps.set(rule, step)
    }
    return step
  }
}
