import { expose, transfer } from 'comlink'
import { openFolder } from '../data/folder.ts'
import { Gpu } from '../gpu/gpu.ts'
import type { WorkOptions } from '../models/clip/batches.ts'
import { ClipModel } from '../models/clip/clip-model.ts'
import { ClipScorer } from '../models/clip/clip-scorer.ts'
import { setOnnxThreads } from '../models/onnx.ts'
import { Downloads } from '../store/downloads.ts'
import type { ClipApi, OnProgress } from './clip.api.ts'
import { Job } from './job.ts'
import { relayed } from './relay.ts'

setOnnxThreads()

class ClipSession implements ClipApi {
  #clip: ClipModel | undefined
  /** Opened when first asked for a score: embedding needs no GPU. */
  #scorer: Promise<ClipScorer> | undefined
  readonly #jobs = new Set<Job>()

  async load(...[spec, onProgress]: Parameters<ClipApi['load']>) {
    if (this.#jobs.size > 0)
      throw new Error('load: expected nothing else under way; wait for it or cancel it first')
    return await this.#run(onProgress, async (options) => {
      await this.#clip?.release()
      this.#clip = undefined
      const clip = await ClipModel.load(openFolder(spec, { fetch: new Downloads().fetch }), options)
      this.#clip = clip
      return { ...clip.config, hash: clip.hash }
    })
  }

  async countTokens(texts: readonly string[]) {
    const clip = this.#model()
    return texts.map((text) => clip.texts.tokenize(text).length)
  }

  async embedTexts(...[texts, onProgress]: Parameters<ClipApi['embedTexts']>) {
    return await this.#run(onProgress, async (options) =>
      sent(await this.#model().texts.embed(texts, options)),
    )
  }

  async embedImages(...[images, onProgress]: Parameters<ClipApi['embedImages']>) {
    return await this.#run(onProgress, async (options) =>
      sent(await this.#model().images.embed(images, options)),
    )
  }

  async score(...[job, onProgress]: Parameters<ClipApi['score']>) {
    return await this.#run(onProgress, async (options) => {
      const result = await (await this.#scoring()).score(job, options)
      return transfer(result, [result.scores.buffer, result.ranks.buffer, result.extremes.buffer])
    })
  }

  async means(...[pairs, onProgress]: Parameters<ClipApi['means']>) {
    return await this.#run(onProgress, async (options) =>
      sent(await (await this.#scoring()).means(pairs, options)),
    )
  }

  async compare(...[pairs, onProgress]: Parameters<ClipApi['compare']>) {
    return await this.#run(onProgress, async (options) =>
      sent(await (await this.#scoring()).compare(pairs, options)),
    )
  }

  async classify(...[pairs, k, onProgress]: Parameters<ClipApi['classify']>) {
    return await this.#run(onProgress, async (options) => {
      const result = await (await this.#scoring()).classify(pairs, k, options)
      return transfer(result, [result.indices.buffer, result.scores.buffer])
    })
  }

  async cancel() {
    for (const job of this.#jobs) job.cancel()
  }

  /** Runs a job in the reach of `cancel`. */
  async #run<T>(onProgress: OnProgress | undefined, work: (options: WorkOptions) => Promise<T>): Promise<T> {
    const job = new Job()
    this.#jobs.add(job)
    try {
      return await relayed(onProgress, (send) => work({ signal: job.signal, onProgress: send }))
    } finally {
      this.#jobs.delete(job)
    }
  }

  #model(): ClipModel {
    if (!this.#clip) throw new Error('expected a model to be loaded first')
    return this.#clip
  }

  /** The scorer on this worker's own device; a new one after the device was lost. */
  #scoring(): Promise<ClipScorer> {
    this.#scorer ??= this.#openScorer().catch((error: unknown) => {
      this.#scorer = undefined
      throw error
    })
    return this.#scorer
  }

  async #openScorer(): Promise<ClipScorer> {
    const gpu = await Gpu.open()
    gpu.addEventListener('lost', () => {
      this.#scorer = undefined
    })
    return await ClipScorer.create(gpu)
  }
}

function sent(rows: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return transfer(rows, [rows.buffer])
}

expose(new ClipSession())
