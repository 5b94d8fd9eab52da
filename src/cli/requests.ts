/** Folders of a model and, where given, of an adapter, and how the model is kept on the GPU. */
export interface ModelFlags {
  readonly model: string
  readonly adapter?: string
  readonly weights?: WeightsFlag
  /** Most MiB to take on the GPU. */
  readonly memory?: number
}

export const WEIGHTS = ['f32', 'f16', 'int8', 'int4'] as const
export type WeightsFlag = (typeof WEIGHTS)[number]

export interface TrainRequest extends ModelFlags {
  readonly command: 'train'
  readonly data: string
  readonly config: string
  readonly shuffle: boolean
  /** Compute layers again in the backward pass, for less memory. */
  readonly recompute: boolean
  readonly out: string
}

export interface GenerateRequest extends ModelFlags {
  readonly command: 'generate'
  readonly images: readonly string[]
  readonly prompt: string
  readonly candidates: number
  readonly seed: number
  readonly temperature: number
  readonly topP: number
  readonly maxNewTokens: number
  /** File to write; standard output without. */
  readonly out?: string
}

export interface LogpsRequest extends ModelFlags {
  readonly command: 'logps'
  readonly data: string
  /** File to write; standard output without. */
  readonly out?: string
}

export interface RunRequest {
  readonly command: 'run'
  readonly recipe: string
  readonly out: string
  /** Show the browser. */
  readonly isHeaded: boolean
}

/** Settings of a stage by itself, and the folder for its results. */
export interface StageFlags {
  /** Its part of a recipe is taken; default `recipes/paper.json`. */
  readonly recipe?: string
  readonly out: string
}

/** Which pictures of a data set: of a share those passed over at the beginning, and the most taken. */
export interface PictureFlags {
  readonly skip: number
  readonly limit?: number
  /** Which by their contents, from 0 to 1. */
  readonly share?: [from: number, to: number]
}

export interface CaptionRequest extends StageFlags, PictureFlags, Omit<ModelFlags, 'memory'> {
  readonly command: 'caption'
  readonly images: string
  /** From 1. */
  readonly round: number
}

export interface ScoreRequest extends StageFlags {
  readonly command: 'score'
  readonly clip: string
  readonly data: string
  /** Folder of the pictures, where they do not lie beside the data. */
  readonly images?: string
}

export interface PairRequest extends StageFlags {
  readonly command: 'pair'
  readonly data: string
  readonly images?: string
  /** Whose edits by hand are applied. */
  readonly round: number
}

export interface EvaluateRequest extends StageFlags, PictureFlags, Omit<ModelFlags, 'memory'> {
  readonly command: 'evaluate'
  readonly data: string
  /** Pictures of single objects, and the CLIP that classifies; both or neither. */
  readonly zeroShot?: { readonly data: string; readonly clip: string }
}

/** What a command line asks for. */
export type Request =
  | RunRequest
  | CaptionRequest
  | ScoreRequest
  | PairRequest
  | EvaluateRequest
  | TrainRequest
  | GenerateRequest
  | LogpsRequest
  | { command: 'help' }
  | { command: 'version' }
  | { command: 'doctor'; json: boolean }
  | { command: 'serve'; port: number }
