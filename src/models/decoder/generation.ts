import type { SampleSettings } from '../../kernels/sample.ts'
import type { Prefix } from './batch.ts'

/** What is to be written for one prefix. */
export interface GenerationRequest {
  readonly prefix: Prefix
  /** Answers wanted. */
  readonly candidates: number
  /** Candidate 0 takes the likeliest tokens whatever the temperature. Default false. */
  readonly firstIsGreedy?: boolean
  /** With the candidate's number these key the random numbers: the same keys draw the same answer in any batch. */
  readonly seed: number
  readonly round: number
  readonly image: number
  readonly prompt: number
}

export interface GenerationSettings extends SampleSettings {
  /** Most tokens of an answer, its stop token included. */
  readonly maxNewTokens: number
  /** Tokens that end an answer; the one that did is the answer's last. */
  readonly stopTokens: readonly number[]
  /** Report this many of the likeliest tokens beside each token, at most 16. Default 0. */
  readonly topLogprobs?: number
}

/** One written answer; it grows while it is being written. */
export interface Generation {
  /** Index among the requests, and the candidate's number within it. */
  readonly request: number
  readonly candidate: number
  readonly tokens: number[]
  /** Log-probability of each token under the model, before temperature and filters. */
  readonly logprobs: number[]
  /** The likeliest tokens at each place, the likeliest first, where asked for. */
  readonly top: { readonly ids: readonly number[]; readonly logprobs: readonly number[] }[]
  /** Undefined while it is being written. */
  finishReason: 'stop' | 'length' | undefined
}
