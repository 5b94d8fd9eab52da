import type { FileSpec, FolderSpec } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import type { DeviceProfile } from '../gpu/device.ts'
import type { Ailment } from '../method/health.ts'
import type { StepMetrics } from '../models/decoder/trainer.ts'
import type { DecoderWeights } from '../models/decoder/weights.ts'

/**
 * The vision-language model that writes, measures and learns: one set of weights in a worker, for generation, log-
 * probabilities and training. Errors keep their name and message on their way here. `pause`, `resume` and `cancel` are meant
 * for the job that began first; answers and log-probabilities may be asked for while training is under way or paused.
 */
export interface PolicyApi {
  /**
   * Loads a model in the Hugging Face layout, with `onnx/` for its vision encoder; an earlier one is let go.
   * @throws {SourceError} when a file is missing, {ConfigError} and others for a model this project does not compute.
   */
  load(
    model: FolderSpec,
    options?: LoadOptions,
    onProgress?: (progress: LoadProgress) => void,
  ): Promise<PolicyInfo>

  /** Makes a PEFT adapter (its folder) resident under a name. @throws {AdapterError} when it does not fit the model. */
  loadAdapter(name: string, adapter: FolderSpec): Promise<void>

  /**
   * Writes answers, all requests in as few batches as fit.
   * @param onAnswers called with the answers that have grown.
   * @returns answers in the order of requests and candidates.
   */
  generate(job: GenerateJob, onAnswers?: (grown: Answer[]) => void): Promise<Answer[]>

  /** Log-probabilities of a dataset's completions, in its order. @param onResult called with each as it comes. */
  logps(job: LogpsJob, onResult?: (result: CompletionLogps) => void): Promise<CompletionLogps[]>

  /** Trains a LoRA adapter by preference pairs, to the end or until `stop`, `cancel` or ill health. */
  train(job: TrainJob, onEvent?: (event: TrainEvent) => void): Promise<TrainOutcome>

  /** Holds the job under way before its next step or token; the other methods can be used meanwhile. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends training after the step under way, with a checkpoint to continue from; before the first step, as `cancel`. */
  stop(): Promise<void>
  /** Breaks the job under way off; it rejects with an `AbortError`. */
  cancel(): Promise<void>
}

export interface LoadOptions {
  /** How weights are kept on the GPU. Default f32. */
  readonly weights?: DecoderWeights['format']
  /** Longest sequence, prompt and answer together, in tokens. Default the model's, at most 4096. */
  readonly maxPositions?: number
  /** Compute each layer again in the backward pass, for less memory. Default false. */
  readonly recompute?: boolean
}

export interface LoadProgress {
  /** Tensors on the GPU so far, and in all. */
  readonly done: number
  readonly total: number
  readonly bytesRead: number
}

export interface PolicyInfo {
  readonly architecture: string
  readonly adapter: DeviceProfile
}

/** Which adapter answers: none, a resident one by its name, or the one being trained. */
export interface AdapterChoice {
  /** Name of a resident adapter; "training" is the one being trained or trained last. Default none. */
  readonly adapter?: string
}

export interface GenerateJob extends AdapterChoice {
  readonly requests: readonly GenerateRequest[]
  /** Default 256. */
  readonly maxNewTokens?: number
  /** 0 takes the likeliest token. Default 0. */
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly repetitionPenalty?: number
  /** Report this many of the likeliest tokens beside each token, at most 16. Default 0. */
  readonly topLogprobs?: number
}

export interface GenerateRequest {
  readonly images: readonly FileSpec[]
  readonly prompt: Text
  /** Answers wanted. Default 1. */
  readonly candidates?: number
  /** Keys the random numbers, with the hashes of images and prompt and the candidate's number. Default 0. */
  readonly seed?: number
  readonly round?: number
}

/** One answer; it grows while it is being written. */
export interface Answer {
  /** Index among the requests. */
  readonly request: number
  readonly candidate: number
  readonly text: string
  readonly tokens: readonly number[]
  /** Log-probability of each token under the model. */
  readonly logprobs: readonly number[]
  readonly top: readonly { readonly ids: readonly number[]; readonly logprobs: readonly number[] }[]
  /** Undefined while it is being written. */
  readonly finishReason: 'stop' | 'length' | undefined
  /** SHA-256 of the request's images, hexadecimal. */
  readonly imageHashes: readonly string[]
}

/** A dataset's file, and the folder its image paths start from. */
export interface Dataset {
  readonly data: FileSpec
  readonly images: FolderSpec
}

export interface LogpsJob extends AdapterChoice, Dataset {
  /** Rows computed at once. Default 8. */
  readonly batchSize?: number
}

export interface CompletionLogps {
  /** The dataset's row as it lies in its file, but for embedded image bytes. */
  readonly row: Readonly<Record<string, unknown>>
  /** Sum over the answer's tokens. */
  readonly logp: number
  readonly numTokens: number
  readonly tokenLogps: readonly number[]
}

export interface TrainJob extends Dataset {
  /** The trainer's settings under TRL's names, see `parseTrainerConfig`. */
  readonly config: unknown
  /** Settings of a new adapter under PEFT's names, see `parseLoraConfig`; not with `adapter`. */
  readonly peft?: unknown
  /** PEFT's folder of an adapter to continue from. */
  readonly adapter?: FolderSpec
  /** False takes the pairs in their order. Default true. */
  readonly shuffle?: boolean
  /** A checkpoint of the same run to continue. */
  readonly checkpoint?: FileSpec
  /** Optimiser steps between two checkpoints. Default 50. */
  readonly checkpointSteps?: number
}

export type TrainEvent =
  /** Pairs made ready so far: images seen, texts turned into tokens. */
  | { readonly kind: 'pairs'; readonly done: number }
  /** Reference log-probabilities computed so far. */
  | { readonly kind: 'reference'; readonly done: number; readonly total: number }
  /** Steps begin: those done before, and in all. */
  | {
      readonly kind: 'start'
      readonly step: number
      readonly totalSteps: number
      readonly pairsPerStep: number
    }
  | { readonly kind: 'step'; readonly metrics: StepMetrics }
  /** A state from which the same run can be continued, proved sound by a later step. */
  | { readonly kind: 'checkpoint'; readonly step: number; readonly file: Uint8Array<ArrayBuffer> }

export interface TrainOutcome {
  /** `stopped`: by `stop`; `unhealthy`: something was wrong, and adapter and checkpoint are the last that were well. */
  readonly status: 'done' | 'stopped' | 'unhealthy'
  /** Steps done by the adapter below. */
  readonly step: number
  readonly totalSteps: number
  readonly ailment?: Ailment
  /** PEFT's two files. */
  readonly adapter: {
    readonly 'adapter_config.json': string
    readonly 'adapter_model.safetensors': Uint8Array<ArrayBuffer>
  }
  /** Continues the run; of use unless it is done. */
  readonly checkpoint: Uint8Array<ArrayBuffer>
}
