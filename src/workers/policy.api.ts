import type { FolderSpec } from '../data/folder.ts'
import type { Text } from '../data/preference.ts'
import type { DeviceProfile } from '../gpu/device.ts'
import type { Recompute } from '../models/decoder/memory-plan.ts'
import type { DecoderWeights } from '../models/decoder/weights.ts'
import type {
  Answer,
  Call,
  CompletionLogps,
  GenerateJob,
  LogpsJob,
  LoraSettings,
  MemoryReport,
  RepliesJob,
  Reply,
  SpelledToken,
  TrainEvent,
  TrainJob,
  TrainOutcome,
} from './policy.jobs.api.ts'

export type * from './policy.jobs.api.ts'

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

  /**
   * Trains a LoRA adapter by preference pairs, to the end or until `stop`, `cancel` or ill health.
   * @param readImage gives an image of a job without a folder by its path, or undefined where there is none; asked for a few
   *   rows at a time, and again where an image's features were lost.
   */
  train(job: TrainJob, onEvent?: (event: TrainEvent) => void, readImage?: ReadImage): Promise<TrainOutcome>

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

export type ReadImage = (path: string) => Promise<Uint8Array<ArrayBuffer> | undefined>

export interface LoadOptions extends Call {
  /** How weights are kept on the GPU. Default f32. */
  readonly weights?: DecoderWeights['format']
  /**
   * Longest sequence, prompt and answer together, in tokens. Default the model's, at most 4096, or twice what the largest
   * image takes where that is more. More than its sliding window, or than its original length where RoPE is scaled by the
   * sequence's length, is refused.
   */
  readonly maxPositions?: number
  /**
   * Compute each layer again in the backward pass, for less memory and the same numbers. Default "auto": where the plan would
   * not fit `budgetBytes` or the device otherwise.
   */
  readonly recompute?: Recompute
  /** Most bytes to take on the GPU. Default no limit but the device's on a single buffer. */
  readonly budgetBytes?: number
  /** What will be done with the model, so that the plan counts it. Default nothing beyond holding it. */
  readonly use?: ExpectedUse
}

/** What a model will be used for, at most; lengths in tokens. */
export interface ExpectedUse {
  /** The adapter to be trained or to answer, under PEFT's names. */
  readonly peft?: LoraSettings
  /** What to do about `images` where the model's settings set no limit to an image's tokens. Default "refuse". */
  readonly unlimitedImages?: 'refuse' | 'leave out'
  readonly train?: {
    /** Pairs in a batch: `per_device_train_batch_size`. */
    readonly pairs: number
    /** Longest prompt and longest answer. */
    readonly promptTokens: number
    readonly answerTokens: number
    /** Images of a prompt, each counted with the most tokens it may take. Default: `promptTokens` includes them. */
    readonly images?: number
    /** Default 1. */
    readonly gradientAccumulationSteps?: number
  }
  readonly generate?: {
    /** Prompts asked, and answers to each; as many are written at once as fit. */
    readonly prompts: number
    readonly candidates: number
    /** Longest prompt. */
    readonly promptTokens: number
    /** Images of a prompt, each counted with the most tokens it may take. Default: `promptTokens` includes them. */
    readonly images?: number
    readonly maxNewTokens: number
  }
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
  /** Most tokens an image takes of a prompt; undefined for text alone, or where the model's settings set no limit. */
  readonly imageTokens?: number
}

export interface ResidentAdapter {
  readonly name: string
  /** Whether it is part of the weights now. */
  readonly isMerged: boolean
}
