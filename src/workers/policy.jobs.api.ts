import type { FileSpec, FolderSpec } from '../data/folder.ts'
import type { LoraSettings } from '../data/peft.ts'
import type { Text } from '../data/preference.ts'
import type { Ailment } from '../method/health.ts'
import type { TrainerSettings } from '../method/trainer-config.ts'
import type { TextEnds } from '../models/answer-end.ts'
import type { MemoryPlan } from '../models/decoder/memory-plan.ts'
import type { StepMetrics } from '../models/decoder/trainer.ts'

export type { LoraSettings, StepMetrics, TrainerSettings }

/** What takes time and can be told from what else is under way. */
export interface Call {
  /** A name for `pause`, `resume` and `cancel`. Default none: they mean this job while it is the first. */
  readonly call?: string
}

/** GPU memory by use, counted before any of it is taken. */
export interface MemoryReport extends MemoryPlan {
  /** The plan for people: a line for each use, and the peak. */
  readonly table: string
}

/** Which adapter answers: none, a resident one by its name, or the one being trained. */
export interface AdapterChoice {
  /**
   * Name of a resident adapter; "training" is the one being trained, as it is when the call begins, or trained last. Default
   * none.
   */
  readonly adapter?: string
  /** Factor on the adapter's effect: 0 is the model without it, 1 the adapter as trained, more exaggerates. Default 1. */
  readonly strength?: number
}

export interface GenerateJob extends Call, AdapterChoice, TextEnds {
  readonly requests: readonly GenerateRequest[]
  /** Default 256. */
  readonly maxNewTokens?: number
  /** 0 takes the likeliest token. Default 0. */
  readonly temperature?: number
  /** Draw among this many of the likeliest tokens. Default 0: all. */
  readonly topK?: number
  /** Draw among the fewest tokens that make up this share of what top-k leaves. Default 1: all. */
  readonly topP?: number
  /** Draw none less likely than this share of the likeliest. Default 0: all may be drawn. */
  readonly minP?: number
  /** Divides the positive and multiplies the negative logits of tokens that stand in prompt or answer. Default 1: none. */
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

export interface TrainJob extends Call, Omit<Dataset, 'images'> {
  /** The folder the images' paths start from. Default none: images are asked for one by one, see `PolicyApi.train`. */
  readonly images?: FolderSpec
  /** Under TRL's names and with its defaults; others are refused. */
  readonly config: TrainerSettings
  /** Settings of a new adapter under PEFT's names; not with `adapter`. Its reference is the model without it. */
  readonly peft?: LoraSettings
  /** PEFT's folder of an adapter to continue from; as it is now it is the reference, unless `config.reference` is "base". */
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
  /** Pairs made ready so far, and rows left out because their prompt alone fills `max_length`. */
  | { readonly kind: 'pairs'; readonly done: number; readonly dropped: number }
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
  /** A step was taken, after which so much GPU memory is held. */
  | { readonly kind: 'step'; readonly metrics: StepMetrics; readonly gpuBytes: number }
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
