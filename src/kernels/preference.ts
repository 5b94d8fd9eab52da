import formulas from '../../shaders/common/preference.losses.wgsl?raw'
import answers from '../../shaders/preference.answers.wgsl?raw'
import source from '../../shaders/preference.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { LOSS_TYPES, type PreferenceSettings, resolvePreference } from '../method/losses.ts'
import { expectShape, type KernelOptions, teamSpec } from './common.ts'

const ANSWERS_PER_GROUP = 16

/** What `Preference.loss` writes to its metrics tensor, in order: TRL's names, then the batch's token counts. */
export const PREFERENCE_METRICS = [
  'loss',
  'rewards/chosen',
  'rewards/rejected',
  'rewards/accuracies',
  'rewards/margins',
  'logps/chosen',
  'logps/rejected',
  'logits/chosen',
  'logits/rejected',
  'entropy',
  'mean_token_accuracy',
  'tokens/chosen',
  'tokens/rejected',
] as const

export type PreferenceMetrics = Record<(typeof PREFERENCE_METRICS)[number], number>

/** Names the numbers of a metrics tensor that was read back. */
export function namePreferenceMetrics(values: ArrayLike<number>): PreferenceMetrics {
  return Object.fromEntries(
    PREFERENCE_METRICS.map((name, i) => [name, values[i] ?? Number.NaN]),
  ) as PreferenceMetrics
}

/** Shape of the scratch tensor `Preference.loss` needs. */
export function preferenceScratchShape(pairs: number): readonly number[] {
  return [5, pairs]
}

/**
 * Preference losses of a batch of B pairs, as TRL 1.13 defines them (`src/method/losses.ts`), with their gradients.
 * Tokens of all answers stand in one row of N; answer 2i is the chosen one of pair i, 2i + 1 the rejected one, and
 * `offsets` holds where each begins. Tokens after the last offset belong to no answer (padding).
 */
export interface Preference {
  /** Sums a per-token quantity over each answer: log-probabilities of the policy or of the reference. */
  answerSums(args: {
    values: Tensor // (N)
    offsets: Tensor // (2B + 1) u32
    sums: Tensor // (B, 2), assigned
  }): void
  /** Sums what the metrics need over each answer: entropy, mean logit, and tokens whose arg-max is the target. */
  answerStats(args: {
    entropy: Tensor // (N)
    meanLogit: Tensor // (N)
    argmax: Tensor // (N) u32
    targets: Tensor // (N) u32
    offsets: Tensor // (2B + 1) u32
    stats: Tensor // (B, 2, 3), assigned
  }): void
  /**
   * The losses' weighted sum and the metrics (`PREFERENCE_METRICS`), and the gradient to the answers' log-probabilities.
   * @param args.gradScale factor on the gradient only, 1 / (micro-batches of a step) when gradients accumulate.
   * @throws {RangeError} for settings TRL refuses, such as pair weights with aot.
   */
  loss(args: {
    policyLogps: Tensor // (B, 2)
    refLogps: Tensor // (B, 2)
    offsets: Tensor // (2B + 1) u32
    pairWeights?: Tensor // (B), factor on each pair's loss (sft: on its chosen tokens'); default 1
    stats?: Tensor // (B, 2, 3); default: logits, entropy and accuracy are reported as 0
    dAnswerLogps: Tensor // (B, 2), assigned
    metrics: Tensor // (13), assigned
    scratch: Tensor // preferenceScratchShape(B)
    settings: PreferenceSettings
    gradScale: number
  }): void
  /** Hands each answer's gradient to all its tokens, ready for the head's backward pass; padding gets 0. */
  tokenSlopes(args: {
    dAnswerLogps: Tensor // (B, 2)
    offsets: Tensor // (2B + 1) u32
    dlogps: Tensor // (N), assigned
  }): void
}

const LOSSES: ShaderFile = { path: 'shaders/common/preference.losses.wgsl', source: formulas }
const ANSWERS: ShaderFile = { path: 'shaders/preference.answers.wgsl', source: answers }

/** Compiles the preference losses. @throws {KernelError} when a shader does not compile. */
export async function createPreference(gpu: Gpu, options: KernelOptions = {}): Promise<Preference> {
  const compile = (entryPoint: string, label: string) =>
    gpu.kernel({ label, shader: ANSWERS, entryPoint, ...teamSpec(gpu, options) })
  const [answerSums, answerStats, tokenSlopes, loss] = await Promise.all([
    compile('answer_sums', 'preference.answerSums'),
    compile('answer_stats', 'preference.answerStats'),
    compile('token_slopes', 'preference.tokenSlopes'),
    gpu.kernel({
      label: 'preference.loss',
      shader: { path: 'shaders/preference.wgsl', source },
      entryPoint: 'loss',
      common: [LOSSES],
    }),
  ])
  return {
    answerSums({ values, offsets, sums }) {
      const pairs = pairsOf(answerSums.label, 'sums', sums)
      const tokens = values.size
      expectShape(answerSums.label, 'values', values, [tokens])
      expectShape(answerSums.label, 'sums', sums, [pairs, 2])
      expectShape(answerSums.label, 'offsets', offsets, [2 * pairs + 1], 'u32')
      answerSums.dispatch(
        { values, offsets, sums },
        { pairs, tokens },
        [Math.ceil((2 * pairs) / ANSWERS_PER_GROUP), 1, 1],
        { flops: tokens, bytes: values.byteLength },
      )
    },
    answerStats({ entropy, meanLogit, argmax, targets, offsets, stats }) {
      const pairs = pairsOf(answerStats.label, 'stats', stats)
      const tokens = entropy.size
      expectShape(answerStats.label, 'entropy', entropy, [tokens])
      expectShape(answerStats.label, 'meanLogit', meanLogit, [tokens])
      expectShape(answerStats.label, 'argmax', argmax, [tokens], 'u32')
      expectShape(answerStats.label, 'targets', targets, [tokens], 'u32')
      expectShape(answerStats.label, 'stats', stats, [pairs, 2, 3])
      expectShape(answerStats.label, 'offsets', offsets, [2 * pairs + 1], 'u32')
      answerStats.dispatch(
        { entropy, mean_logit: meanLogit, argmax, targets, offsets, stats },
        { pairs, tokens },
        [Math.ceil((2 * pairs) / ANSWERS_PER_GROUP), 1, 1],
        { flops: 3 * tokens, bytes: 4 * entropy.byteLength },
      )
    },
    loss({
      policyLogps,
      refLogps,
      offsets,
      pairWeights,
      stats,
      dAnswerLogps,
      metrics,
      scratch,
      settings,
      gradScale,
    }) {
      const { weights, beta, labelSmoothing, discopopTau } = resolvePreference(
        settings,
        pairWeights !== undefined,
      )
      const pairs = pairsOf(loss.label, 'policyLogps', policyLogps)
      expectShape(loss.label, 'policyLogps', policyLogps, [pairs, 2])
      expectShape(loss.label, 'refLogps', refLogps, [pairs, 2])
      expectShape(loss.label, 'offsets', offsets, [2 * pairs + 1], 'u32')
      if (pairWeights) expectShape(loss.label, 'pairWeights', pairWeights, [pairs])
      if (stats) expectShape(loss.label, 'stats', stats, [pairs, 2, 3])
      expectShape(loss.label, 'dAnswerLogps', dAnswerLogps, [pairs, 2])
      expectShape(loss.label, 'metrics', metrics, [PREFERENCE_METRICS.length])
      expectShape(loss.label, 'scratch', scratch, preferenceScratchShape(pairs))
      loss.dispatch(
        {
          policy_logps: policyLogps,
          ref_logps: refLogps,
          offsets,
          pair_weights: pairWeights ?? policyLogps,
          answer_stats: stats ?? policyLogps,
          slopes: dAnswerLogps,
          metrics,
          sorted: scratch,
        },
        {
          ...Object.fromEntries(LOSS_TYPES.map((type) => [`w_${type}`, weights[type]])),
          pairs,
          has_pair_weights: pairWeights ? 1 : 0,
          has_stats: stats ? 1 : 0,
          beta,
          label_smoothing: labelSmoothing,
          discopop_tau: discopopTau,
          grad_scale: gradScale,
        },
        [1, 1, 1],
        { flops: 200 * pairs, bytes: 100 * pairs },
      )
    },
    tokenSlopes({ dAnswerLogps, offsets, dlogps }) {
      const pairs = pairsOf(tokenSlopes.label, 'dAnswerLogps', dAnswerLogps)
      const tokens = dlogps.size
      expectShape(tokenSlopes.label, 'dAnswerLogps', dAnswerLogps, [pairs, 2])
      expectShape(tokenSlopes.label, 'offsets', offsets, [2 * pairs + 1], 'u32')
      expectShape(tokenSlopes.label, 'dlogps', dlogps, [tokens])
      tokenSlopes.dispatch(
        { answer_slopes: dAnswerLogps, offsets, dlogps },
        { pairs, tokens },
        [Math.ceil((2 * pairs + 1) / ANSWERS_PER_GROUP), 1, 1],
        { flops: 0, bytes: dlogps.byteLength },
      )
    },
  }
}

/** B of a tensor that begins (B, 2). */
function pairsOf(kernel: string, name: string, tensor: Tensor): number {
  const [pairs, two] = tensor.shape
  if (pairs === undefined || pairs === 0 || two !== 2)
    throw new ShapeError(`${kernel}: expected ${name} (pairs, 2, ...), got (${tensor.shape.join(', ')})`)
  return pairs
}
