/** The workers and their clients: what needs a browser with WebGPU. */
export type { FileSpec, FolderSpec } from '../data/folder.ts'
export { type ClipClient, openClip, openPolicy, type PolicyClient, WorkerError } from '../pipeline/client.ts'
export type * from '../workers/clip.api.ts'
export type * from '../workers/policy.api.ts'
