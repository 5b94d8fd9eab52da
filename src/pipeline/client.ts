import { proxy, type Remote, releaseProxy, wrap } from 'comlink'
import type { ClipApi } from '../workers/clip.api.ts'
import type { PolicyApi } from '../workers/policy.api.ts'

/** A worker could not start or broke down; nothing more will come from it. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
}

export interface PolicyClient extends PolicyApi {
  /** Ends the worker at once and frees what it holds. */
  close(): void
}

/** Starts a worker for one policy. */
export function openPolicy(): PolicyClient {
  const worker = new Worker(new URL('../workers/policy.worker.ts', import.meta.url), {
    type: 'module',
    name: 'policy',
  })
  const remote = wrap<PolicyApi>(worker)
  const { guard, close } = guarded(worker, remote)
  return {
    load: (model, options, onProgress) => guard(remote.load(model, options, onProgress && proxy(onProgress))),
    loadAdapter: (name, adapter) => guard(remote.loadAdapter(name, adapter)),
    unloadAdapter: (name) => guard(remote.unloadAdapter(name)),
    adapters: () => guard(remote.adapters()),
    mergeAdapter: (name, strength) => guard(remote.mergeAdapter(name, strength)),
    unmergeAdapter: (name) => guard(remote.unmergeAdapter(name)),
    renderPrompt: (prompt, options) => guard(remote.renderPrompt(prompt, options)),
    generate: (job, onAnswers) => guard(remote.generate(job, onAnswers && proxy(onAnswers))),
    spell: (answer) => guard(remote.spell(answer)),
    logps: (job, onResult) => guard(remote.logps(job, onResult && proxy(onResult))),
    endOfAnswer: () => guard(remote.endOfAnswer()),
    replies: (job, onReplies) => guard(remote.replies(job, onReplies && proxy(onReplies))),
    train: (job, onEvent) => guard(remote.train(job, onEvent && proxy(onEvent))),
    memory: () => guard(remote.memory()),
    pause: () => guard(remote.pause()),
    resume: () => guard(remote.resume()),
    stop: () => guard(remote.stop()),
    cancel: () => guard(remote.cancel()),
    close,
  }
}

export interface ClipClient extends ClipApi {
  /** Ends the worker at once and frees what it holds. */
  close(): void
}

/** Starts a worker for one CLIP. */
export function openClip(): ClipClient {
  const worker = new Worker(new URL('../workers/clip.worker.ts', import.meta.url), {
    type: 'module',
    name: 'clip',
  })
  const remote = wrap<ClipApi>(worker)
  const { guard, close } = guarded(worker, remote)
  return {
    load: (model, onProgress) => guard(remote.load(model, onProgress && proxy(onProgress))),
    countTokens: (texts) => guard(remote.countTokens(texts)),
    embedTexts: (texts, onProgress) => guard(remote.embedTexts(texts, onProgress && proxy(onProgress))),
    embedImages: (images, onProgress) => guard(remote.embedImages(images, onProgress && proxy(onProgress))),
    score: (job, onProgress) => guard(remote.score(job, onProgress && proxy(onProgress))),
    means: (pairs, onProgress) => guard(remote.means(pairs, onProgress && proxy(onProgress))),
    compare: (pairs, onProgress) => guard(remote.compare(pairs, onProgress && proxy(onProgress))),
    classify: (pairs, k, onProgress) => guard(remote.classify(pairs, k, onProgress && proxy(onProgress))),
    cancel: () => guard(remote.cancel()),
    close,
  }
}

/** Calls that reject when the worker breaks down, which Comlink alone would leave waiting for ever. */
export function guarded<T>(
  worker: Worker,
  remote: Remote<T>,
): {
  guard<R>(call: Promise<R>): Promise<R>
  close(): void
} {
  let fail: (error: Error) => void = () => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  failure.catch(() => {}) // told to whoever calls
  worker.addEventListener('error', (event) => {
    fail(new WorkerError(`a worker broke down: ${event.message || 'its code could not be loaded'}`))
  })
  return {
    guard: <R>(call: Promise<R>): Promise<R> => Promise.race([call, failure]),
    close: () => {
      remote[releaseProxy]()
      worker.terminate()
      fail(new WorkerError('the worker was closed'))
    },
  }
}
