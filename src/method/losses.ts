/** Preference losses by the names TRL 1.13 gives them; their order numbers them in `shaders/preference.wgsl`. */
export const LOSS_TYPES = [
  'sigmoid',
  'hinge',
  'ipo',
  'exo_pair',
  'nca_pair',
  'robust',
  'bco_pair',
  'sppo_hard',
  'aot',
  'aot_unpaired',
  'apo_zero',
  'apo_down',
  'discopop',
  'sft',
  'sigmoid_norm',
] as const

export type LossType = (typeof LOSS_TYPES)[number]

/** Losses of one pair alone; the others need the whole batch. */
export type PairLossType = Exclude<LossType, 'aot' | 'aot_unpaired' | 'sft'>

/** What is to be minimised, in TRL's words. */
export interface PreferenceSettings {
  /** TRL's `loss_type`: one loss or a sum of several. */
  lossType: LossType | readonly LossType[]
  /** TRL's `loss_weights`, one a loss. Default 1 each. */
  lossWeights?: readonly number[]
  /** Strength of the pull towards the reference model. Default 0.1. */
  beta?: number
  /** Share of labels taken to be wrong, in [0, 0.5) for robust, above 0 for exo_pair. Default 0. */
  labelSmoothing?: number
  /** Temperature of discopop's blend. Default 0.05. */
  discopopTau?: number
}

/** Settings checked and completed. */
export interface ResolvedPreference {
  /** Weight of every loss, 0 for those not asked for. */
  weights: Readonly<Record<LossType, number>>
  beta: number
  labelSmoothing: number
  discopopTau: number
}

/**
 * Checks settings as TRL does and fills in its defaults.
 * @param pairWeights whether pairs are weighted, which the sorting losses refuse.
 * @throws {RangeError} naming the setting, what it may be and what it was.
 */
export function resolvePreference(settings: PreferenceSettings, pairWeights = false): ResolvedPreference {
  const { beta = 0.1, labelSmoothing = 0, discopopTau = 0.05 } = settings
  const types = typeof settings.lossType === 'string' ? [settings.lossType] : settings.lossType
  const given = settings.lossWeights ?? types.map(() => 1)
  if (types.length === 0) throw new RangeError('loss_type: expected at least one loss, got none')
  if (given.length !== types.length) {
    throw new RangeError(`loss_weights: expected ${types.length}, one for each loss, got ${given.length}`)
  }
  const weights = Object.fromEntries(LOSS_TYPES.map((type) => [type, 0])) as Record<LossType, number>
  types.forEach((type, i) => {
    const weight = given[i] ?? Number.NaN
    if (!(type in weights)) {
      throw new RangeError(`loss_type: expected one of ${LOSS_TYPES.join(', ')}; got ${String(type)}`)
    }
    if (!Number.isFinite(weight)) throw new RangeError(`loss_weights: expected numbers, got ${weight}`)
    weights[type] += weight
  })
  if (!(beta > 0)) throw new RangeError(`beta: expected a number above 0, got ${beta}`)
  if (!(discopopTau > 0)) throw new RangeError(`discopop_tau: expected a number above 0, got ${discopopTau}`)
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
    throw new RangeError(`label_smoothing: expected a number in [0, 0.5), got ${labelSmoothing}`)
  }
  if (types.includes('exo_pair') && labelSmoothing === 0) {
    throw new RangeError('label_smoothing: expected above 0 for exo_pair (its paper suggests 1e-3), got 0')
  }
  const sorting = types.find((type) => type === 'aot' || type === 'aot_unpaired')
  if (pairWeights && sorting) {
    throw new RangeError(`${sorting}: expected no pair weights, for it sorts the pairs; leave them out`)
  }
  return { weights, beta, labelSmoothing, discopopTau }
}

/** One pair as the losses see it. */
export interface PairScores {
  /** Log-ratio of policy to reference of the chosen answer: difference of sums over its tokens. */
  c: number
  /** The same of the rejected answer. */
  r: number
  /** Tokens of the chosen answer. */
  chosenTokens: number
  /** Tokens of the rejected answer. */
  rejectedTokens: number
}

/** A loss with its derivatives by `c` and `r`. */
export interface LossAndSlopes {
  loss: number
  dc: number
  dr: number
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))
}

/** `log(sigmoid(x))` without overflow. */
export function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))
}

/** `-(1 - e) log s(z) - e log s(-z)` with its derivative: the term of the sorting losses. */
export function smoothedLogistic(z: number, e: number): { loss: number; slope: number } {
  return {
    loss: -(1 - e) * logSigmoid(z) - e * logSigmoid(-z),
    slope: -(1 - e) * sigmoid(-z) + e * sigmoid(z),
  }
}

type PairFormula = (pair: PairScores, settings: ResolvedPreference) => LossAndSlopes

/** A loss of `z = beta * (c - r)` only. */
function ofMargin(
  f: (z: number, settings: ResolvedPreference) => { loss: number; slope: number },
): PairFormula {
  return ({ c, r }, settings) => {
    const { loss, slope } = f(settings.beta * (c - r), settings)
    return { loss, dc: settings.beta * slope, dr: -settings.beta * slope }
  }
}

const logistic = (z: number) => ({ loss: -logSigmoid(z), slope: -sigmoid(-z) })

/** The formulas of `trl/trainer/dpo_trainer.py`, TRL 1.13, each with its derivatives. */
export const PAIR_LOSSES: Readonly<Record<PairLossType, PairFormula>> = {
  sigmoid: ofMargin(logistic),
  hinge: ofMargin((z) => ({ loss: Math.max(0, 1 - z), slope: z < 1 ? -1 : 0 })),
  ipo({ c, r, chosenTokens, rejectedTokens }, { beta }) {
    const [chosen, rejected] = [Math.max(chosenTokens, 1), Math.max(rejectedTokens, 1)]
    const error = c / chosen - r / rejected - 1 / (2 * beta)
    return { loss: error ** 2, dc: (2 * error) / chosen, dr: (-2 * error) / rejected }
  },
  exo_pair: ofMargin((z, { labelSmoothing: e }) => {
    const won = logSigmoid(z) - Math.log1p(-e)
    const lost = logSigmoid(-z) - Math.log(e)
    const [qw, ql] = [sigmoid(z), sigmoid(-z)]
    return { loss: qw * won + ql * lost, slope: qw * ql * (won - lost) }
  }),
  nca_pair({ c, r }, { beta }) {
    const [x, y] = [beta * c, beta * r]
    return {
      loss: -logSigmoid(x) - 0.5 * logSigmoid(-x) - 0.5 * logSigmoid(-y),
      dc: beta * (0.5 * sigmoid(x) - sigmoid(-x)),
      dr: beta * 0.5 * sigmoid(y),
    }
  },
  robust: ofMargin((z, { labelSmoothing: e }) => ({
    loss: (-(1 - e) * logSigmoid(z) + e * logSigmoid(-z)) / (1 - 2 * e),
    slope: (-(1 - e) * sigmoid(-z) - e * sigmoid(z)) / (1 - 2 * e),
  })),
  bco_pair({ c, r }, { beta }) {
    const [x, y] = [beta * c, beta * r]
    return { loss: -logSigmoid(x) - logSigmoid(-y), dc: -beta * sigmoid(-x), dr: beta * sigmoid(y) }
  },
  sppo_hard({ c, r }, { beta }) {
    const [x, y] = [c - 0.5 / beta, r + 0.5 / beta]
    return { loss: x ** 2 + y ** 2, dc: 2 * x, dr: 2 * y }
  },
  apo_zero({ c, r }, { beta }) {
    const [x, y] = [sigmoid(beta * c), sigmoid(beta * r)]
    return { loss: 1 - x + y, dc: -beta * x * (1 - x), dr: beta * y * (1 - y) }
  },
  apo_down({ c, r }, { beta }) {
    const [x, y] = [sigmoid(beta * c), sigmoid(beta * (c - r))]
    const slope = beta * y * (1 - y)
    return { loss: x + 1 - y, dc: beta * x * (1 - x) - slope, dr: slope }
  },
  discopop: ofMargin((z, { discopopTau: tau }) => {
    const blend = sigmoid(z / tau)
    const [exponential, logLoss] = [Math.exp(-z), -logSigmoid(z)]
    return {
      loss: (1 - blend) * logLoss + blend * exponential,
      slope:
        ((blend * (1 - blend)) / tau) * (exponential - logLoss) -
        (1 - blend) * sigmoid(-z) -
        blend * exponential,
    }
  }),
  sigmoid_norm({ c, r, chosenTokens, rejectedTokens }, { beta }) {
    const [chosen, rejected] = [Math.max(chosenTokens, 1), Math.max(rejectedTokens, 1)]
    const { loss, slope } = logistic(beta * (c / chosen - r / rejected))
    return { loss, dc: (beta * slope) / chosen, dr: (-beta * slope) / rejected }
  },
}
