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
  /** What has to be done before anything else is asked: nothing, a `load` on a new device, or a new client. */
  needs(): Needs
}

/** Starts a worker for one policy. */
export function openPolicy(): PolicyClient {
  const worker = new Worker(new URL('../workers/policy.worker.ts', import.meta.url), {
    type: 'module',
    name: 'policy',
  })
  const remote = wrap<PolicyApi>(worker)
  const { guard, close, needs } = guarded(worker, remote)
  return {
    load: (model, options, onProgress) =>
      guard(remote.load(model, options, onProgress && proxy(onProgress)), { revives: true }),
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
    train: (job, onEvent, readImage) =>
      guard(remote.train(job, onEvent && proxy(onEvent), readImage && proxy(readImage))),
    memory: () => guard(remote.memory()),
    pause: (call) => guard(remote.pause(call)),
    resume: (call) => guard(remote.resume(call)),
    stop: () => guard(remote.stop()),
    cancel: (call) => guard(remote.cancel(call)),
    close,
    needs,
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

export type Needs = 'nothing' | 'load' | 'client'

/** Errors after which a device computes nothing any more. */
const DEVICE_ERRORS = ['DeviceLostError', 'KernelError']

interface Guarded {
  /** @param options.revives a call that, when it succeeds, makes up for a device that was lost. Default false. */
  guard<R>(call: Promise<R>, options?: { revives?: boolean }): Promise<R>
  close(): void
  needs(): Needs
}

/** Calls that reject when the worker breaks down, which Comlink alone would leave waiting for ever. */
export function guarded<T>(
  worker: Pick<Worker, 'addEventListener' | 'terminate'>,
  remote: Pick<Remote<T>, typeof releaseProxy>,
): Guarded {
  /** Of the calls under way: one promise for all would keep every call's result for as long as the worker lives. */
  const rejecters = new Set<(error: Error) => void>()
  let failure: Error | undefined
  let isDeviceGone = false
  const fail = (error: Error): void => {
    failure ??= error
    for (const reject of rejecters) reject(failure)
    rejecters.clear()
  }
  worker.addEventListener('error', (event) => {
    fail(new WorkerError(`a worker broke down: ${event.message || 'its code could not be loaded'}`))
  })
  return {
    guard: (call, { revives = false } = {}) =>
      new Promise((resolve, reject) => {
        if (failure) reject(failure)
        else rejecters.add(reject)
        call.then(
          (result) => {
            rejecters.delete(reject)
            if (revives) isDeviceGone = false
            resolve(result)
          },
          (error: unknown) => {
            rejecters.delete(reject)
            if (error instanceof Error && DEVICE_ERRORS.includes(error.name)) isDeviceGone = true
            reject(error)
          },
        )
      }),
    close: () => {
      remote[releaseProxy]()
      worker.terminate()
      fail(new WorkerError('the worker was closed'))
    },
    needs: () => (failure ? 'client' : isDeviceGone ? 'load' : 'nothing'),
  }
}
