import type { FileSpec, FolderSpec } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import type { DeviceProfile } from '../gpu/device.ts'
import type { Ailment } from '../method/health.ts'
import type { TextEnds } from '../models/answer-end.ts'
import type { MemoryPlan } from '../models/decoder/memory-plan.ts'
import type { StepMetrics } from '../models/decoder/trainer.ts'
import type { DecoderWeights } from '../models/decoder/weights.ts'

export type { StepMetrics }

/**
 * The vision-language model that writes, measures and learns: one set of weights in a worker, for generation, log-
 * probabilities and training. Errors keep their name and message on their way here. Answers and log-probabilities may be
 * asked for while training is under way or paused. After a {DeviceLostError} or {KernelError} nothing can be computed until
 * the model is loaded again, which opens a new device.
 */
export interface PolicyApi {
  /**
   * Loads a model in the Hugging Face layout, with `onnx/` for its vision encoder; an earlier one is let go.
   * @throws {MemoryError} before anything is loaded when it does not fit, naming the settings that would; {SourceError} when
   *   a file is missing, {ConfigError} and others for a model this project does not compute.
   */
  load(
    model: FolderSpec,
    options?: LoadOptions,
    onProgress?: (progress: LoadProgress) => void,
  ): Promise<PolicyInfo>

  /**
   * Makes a PEFT adapter (its folder) resident under a name, beside others; one that had the name goes.
   * @throws {AdapterError} when it does not fit the model.
   */
  loadAdapter(name: string, adapter: FolderSpec): Promise<void>

  /** Takes a resident adapter away; answers being written with it are written to their end. */
  unloadAdapter(name: string): Promise<void>

  /** The resident adapters, in the order they came. */
  adapters(): Promise<readonly ResidentAdapter[]>

  /**
   * Adds a resident adapter to the weights: every later answer has it, and adapters chosen by a call come on top.
   * @param strength factor on its effect. Default 1.
   * @throws {AdapterError} for weights that are not f32, {Error} while anything else is under way.
   */
  mergeAdapter(name: string, strength?: number): Promise<void>

  /** Takes a merged adapter out of the weights again, exact but for rounding. */
  unmergeAdapter(name: string): Promise<void>

  /**
   * The prompt an answer would follow, as one string to be used as it is: with the chat template where a string holds no
   * image token, and the model's image token in each image's place.
   * @param options.images images of the prompt. Default 1.
   * @param options.context the answer's beginning, already written. Default none.
   */
  renderPrompt(prompt: Text, options?: { images?: number; context?: string }): Promise<string>

  /** The token that ends an answer, as text such as `</s>`. @throws {Error} when the model has none. */
  endOfAnswer(): Promise<string>

  /**
   * Writes answers, all requests in as few batches as fit.
   * @param onAnswers called with the answers that have grown.
   * @returns answers in the order of requests and candidates.
   */
  generate(job: GenerateJob, onAnswers?: (grown: Answer[]) => void): Promise<Answer[]>

  /** An answer's tokens as text, and the likeliest ones in the place of each where `topLogprobs` was asked for. */
  spell(answer: Pick<Answer, 'tokens' | 'logprobs' | 'top'>): Promise<SpelledToken[]>

  /** Log-probabilities of a dataset's completions, in its order. @param onResult called with each as it comes. */
  logps(job: LogpsJob, onResult?: (result: CompletionLogps) => void): Promise<CompletionLogps[]>

  /**
   * For each turn the first word of the greedy reply, and the log-probability of a given one. Turns about the same images
   * share their computation, so that many yes/no questions cost little more than one.
   * @param onReplies called with each request's replies as they come. @returns the replies, by request and turn.
   */
  replies(job: RepliesJob, onReplies?: (replies: Reply[]) => void): Promise<Reply[][]>

  /** Trains a LoRA adapter by preference pairs, to the end or until `stop`, `cancel` or ill health. */
  train(job: TrainJob, onEvent?: (event: TrainEvent) => void): Promise<TrainOutcome>

  /** GPU memory of everything the worker does: in use now, and the most since the last call. */
  memory(): Promise<{ readonly bytesInUse: number; readonly peakBytes: number }>

  /**
   * Holds a job before its next step or token; the other methods can be used meanwhile.
   * @param call the job's name, see `Call`; nothing happens when none of this name is under way. Default the job that began
   *   first.
   */
  pause(call?: string): Promise<void>
  /** @param call as for `pause`. */
  resume(call?: string): Promise<void>
  /** Ends training after the step under way, with a checkpoint to continue from; before the first step it is cancelled. */
  stop(): Promise<void>
  /** Breaks a job off; it rejects with an `AbortError`. @param call as for `pause`. */
  cancel(call?: string): Promise<void>
}

/** What takes time and can be told from what else is under way. */
export interface Call {
  /** A name for `pause`, `resume` and `cancel`. Default none: they mean this job while it is the first. */
  readonly call?: string
}

export interface LoadOptions extends Call {
  /** How weights are kept on the GPU. Default f32. */
  readonly weights?: DecoderWeights['format']
  /** Longest sequence, prompt and answer together, in tokens. Default the model's, at most 4096. */
  readonly maxPositions?: number
  /** Compute each layer again in the backward pass, for less memory. Default false. */
  readonly recompute?: boolean
  /** Most bytes to take on the GPU. Default no limit but the device's on a single buffer. */
  readonly budgetBytes?: number
  /** What will be done with the model, so that the plan counts it. Default nothing beyond holding it. */
  readonly use?: ExpectedUse
}

/** What a model will be used for, at most; lengths in tokens. */
export interface ExpectedUse {
  /** The adapter to be trained or to answer, under PEFT's names. */
  readonly peft?: unknown
  readonly train?: {
    /** Pairs in a batch: `per_device_train_batch_size`. */
    readonly pairs: number
    /** Longest prompt, its image tokens included, and longest answer. */
    readonly promptTokens: number
    readonly answerTokens: number
    /** Default 1. */
    readonly gradientAccumulationSteps?: number
  }
  readonly generate?: {
    /** Prompts answered together, and answers to each. */
    readonly prompts: number
    readonly candidates: number
    /** Longest prompt, its image tokens included. */
    readonly promptTokens: number
    readonly maxNewTokens: number
  }
}

/** GPU memory by use, counted before any of it is taken. */
export interface MemoryReport extends MemoryPlan {
  /** The plan for people: a line for each use, and the peak. */
  readonly table: string
}

export interface LoadProgress {
  /** Tensors on the GPU so far, and in all. */
  readonly done: number
  readonly total: number
  readonly bytesRead: number
  /** Comes once, before anything is loaded. */
  readonly plan?: MemoryReport
}

export interface PolicyInfo {
  readonly architecture: string
  readonly adapter: DeviceProfile
  readonly plan: MemoryReport
}

/** Which adapter answers: none, a resident one by its name, or the one being trained. */
export interface AdapterChoice {
  /** Name of a resident adapter; "training" is the one being trained or trained last. Default none. */
  readonly adapter?: string
  /** Factor on the adapter's effect: 0 is the model without it, 1 the adapter as trained, more exaggerates. Default 1. */
  readonly strength?: number
}

export interface ResidentAdapter {
  readonly name: string
  /** Whether it is part of the weights now. */
  readonly isMerged: boolean
}

export interface GenerateJob extends Call, AdapterChoice, TextEnds {
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
  /** A string is the user's message to the chat template, unless it holds the model's image token or there is none. */
  readonly prompt: Text
  /** Take a string as it is in any case, such as one of `renderPrompt`. Default false. */
  readonly isVerbatim?: boolean
  /** The answer's beginning, already written; answers go on from there. Default none. */
  readonly context?: string
  /** Answers wanted. Default 1. */
  readonly candidates?: number
  /** The first candidate takes the likeliest tokens whatever the temperature. Default false. */
  readonly firstIsGreedy?: boolean
  /** Keys the random numbers, with the hashes of images, prompt and context and the candidate's number. Default 0. */
  readonly seed?: number
  readonly round?: number
}

/** One answer; it grows while it is being written. */
export interface Answer {
  /** Index among the requests. */
  readonly request: number
  readonly candidate: number
  /** What was written, up to where it ends. */
  readonly text: string
  /** The request's context and what was written after it. */
  readonly whole: string
  readonly tokens: readonly number[]
  /** Log-probability of each token under the model. */
  readonly logprobs: readonly number[]
  readonly top: readonly { readonly ids: readonly number[]; readonly logprobs: readonly number[] }[]
  /** Undefined while it is being written. */
  readonly finishReason: 'stop' | 'length' | undefined
  /** Where `finishReason` is `stop`: the answer is over (`token`), or only as much of it as was wanted is. */
  readonly stoppedBy?: 'token' | 'string' | 'sentence'
  /** SHA-256 of the request's images, hexadecimal. */
  readonly imageHashes: readonly string[]
}

/** A token as the text it adds to those before it. */
export interface SpelledToken {
  /** Empty for the token that ends an answer. */
  readonly text: string
  readonly logprob: number
  /** The likeliest tokens in its place, itself among them where it is likely enough; the likeliest first. */
  readonly top: readonly { readonly text: string; readonly logprob: number }[]
}

/** A dataset's rows, either in a file or given here, and the folder its image paths start from. */
export interface Dataset {
  /** JSON lines or parquet. */
  readonly data?: FileSpec
  /** The same columns; images as paths, data URLs or bytes. */
  readonly rows?: readonly object[]
  readonly images: FolderSpec
}

export interface LogpsJob extends Call, AdapterChoice, Dataset {
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

export interface RepliesJob extends Call, AdapterChoice {
  readonly requests: readonly ReplyRequest[]
  /** Tokens computed at once, about. Default 2048. */
  readonly batchTokens?: number
}

export interface ReplyRequest {
  readonly images: readonly FileSpec[]
  readonly turns: readonly {
    /** A string is the user's message to the chat template, unless it holds the model's image token or there is none. */
    readonly prompt: Text
    /** A reply to measure, with the template's ending where there is a template. Default none: only the first word is wanted. */
    readonly completion?: string
  }[]
}

export interface Reply {
  /** The likeliest first token as text, without the space around it. */
  readonly firstWord: string
  /** Sum over the completion's tokens. */
  readonly logp: number
  readonly numTokens: number
}

export interface TrainJob extends Call, Dataset {
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
  /** Figures of the steps before the checkpoint, by which ill health shows after it. Default none. */
  readonly history?: readonly StepMetrics[]
  /** Optimiser steps between two checkpoints. Default 1, and 5 where one is over 16 MiB. */
  readonly checkpointSteps?: number
  /** Answers to be given on the way; they change nothing of the training. Default none. */
  readonly watch?: WatchSettings
}

/** What a training is watched by: greedy answers to the same requests before it, after it and evenly apart between. */
export interface WatchSettings {
  readonly requests: readonly GenerateRequest[]
  /** Stretches between answers: one more answer than this to each request, fewer where there are fewer steps. */
  readonly times: number
  /** Default 256. */
  readonly maxNewTokens?: number
}

export type TrainEvent =
  /** Pairs made ready so far: images seen, texts turned into tokens. */
  | { readonly kind: 'pairs'; readonly done: number }
  /** What the training will take on the GPU, before it takes it. */
  | { readonly kind: 'plan'; readonly plan: MemoryReport }
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
  /** Answers of `watch`, by request, with the adapter as it was after so many steps, and that adapter. */
  | {
      readonly kind: 'watched'
      readonly step: number
      readonly answers: readonly string[]
      readonly adapter: PeftFiles
    }
  /** A state from which the same run can be continued, proved sound by a later step. */
  | { readonly kind: 'checkpoint'; readonly step: number; readonly file: Uint8Array<ArrayBuffer> }

/** An adapter's two files, as PEFT names them. */
export interface PeftFiles {
  readonly 'adapter_config.json': string
  readonly 'adapter_model.safetensors': Uint8Array<ArrayBuffer>
}

export interface TrainOutcome {
  /** `stopped`: by `stop`; `unhealthy`: something was wrong, and adapter and checkpoint are the last that were well. */
  readonly status: 'done' | 'stopped' | 'unhealthy'
  /** Steps done by the adapter below. */
  readonly step: number
  readonly totalSteps: number
  readonly ailment?: Ailment
  readonly adapter: PeftFiles
  /** Continues the run; of use unless it is done. */
  readonly checkpoint: Uint8Array<ArrayBuffer>
}
