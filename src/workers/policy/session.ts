import { openFolder } from '../../data/folder.ts'
import type { Text } from '../../data/preference.ts'
import { Autotuner } from '../../gpu/autotune.ts'
import { Gpu } from '../../gpu/gpu.ts'
import { readAdapter } from '../../models/adapter-files.ts'
import { AnswerLogps } from '../../models/decoder/answer-logps.ts'
import { Generator } from '../../models/decoder/generator.ts'
import type { Recompute } from '../../models/decoder/memory-plan.ts'
import { PolicyModel } from '../../models/policy-model.ts'
import { Downloads } from '../../store/downloads.ts'
import { StoredFeatures } from '../../store/features.ts'
import { StoredTuning } from '../../store/tuning.ts'
import type { Job } from '../job.ts'
import { Jobs } from '../jobs.ts'
import type { CompletionLogps, MemoryReport, PolicyApi, PolicyInfo, Reply } from '../policy.api.ts'
import { letGo, relayed } from '../relay.ts'
import { ResidentAdapters } from './adapters.ts'
import { writeAnswers } from './answers.ts'
import { measureCompletions } from './logps.ts'
import { expectedMemory, memoryReport } from './memory.ts'
import { readReplies } from './replies.ts'
import { spellTokens } from './spelling.ts'
import { TRAINING, trainPolicy } from './training.ts'

interface Loaded {
  readonly gpu: Gpu
  readonly policy: PolicyModel
  readonly generator: Generator
  readonly logps: AnswerLogps
  readonly adapters: ResidentAdapters
  readonly recompute: Recompute
}

/** One set of weights and what is done with it; see `PolicyApi`. */
export class PolicySession implements PolicyApi {
  #gpu: Gpu | undefined
  #loaded: Loaded | undefined
  readonly #jobs = new Jobs()
  #training: Job | undefined

  async load(...[spec, options = {}, onProgress]: Parameters<PolicyApi['load']>) {
    const { use = {}, call, recompute = 'auto', ...settings } = options
    return await this.#run(call, onProgress, async (job, send): Promise<PolicyInfo> => {
      this.#jobs.expectAlone('load', job)
      this.#unload()
      const gpu = await this.#openGpu()
      let plan: MemoryReport | undefined
      const policy = await PolicyModel.load(gpu, openFolder(spec, { fetch: new Downloads().fetch }), {
        ...settings,
        use: (largestImage, config) => expectedMemory({ ...use, recompute }, config, largestImage),
        // A software adapter's best designs are known; trying them would only cost time.
        ...(gpu.profile.isSoftware ? {} : { tuner: new Autotuner(gpu, new StoredTuning()) }),
        features: (encoder) => new StoredFeatures(encoder),
        signal: job.signal,
        onPlan: (made) => {
          plan = memoryReport(made)
          send({ done: 0, total: 0, bytesRead: 0, plan })
        },
        onProgress: send,
      })
      const { decoder, config } = policy
      const { budgetBytes } = settings
      const within = budgetBytes === undefined ? {} : { budgetBytes }
      const generator = await Generator.create(gpu, decoder, config.imageTokenId, within).catch(
        (error: unknown) => {
          policy.release()
          throw error
        },
      )
      this.#loaded = {
        gpu,
        policy,
        generator,
        logps: new AnswerLogps(gpu, decoder, config.imageTokenId),
        adapters: new ResidentAdapters(gpu),
        recompute,
      }
      const { largestImage } = policy.encoder
      return {
        architecture: config.architecture,
        adapter: gpu.profile,
        plan: plan as MemoryReport,
        ...(largestImage ? { imageTokens: largestImage.tokens } : {}),
      }
    })
  }

  async loadAdapter(...[name, folder]: Parameters<PolicyApi['loadAdapter']>) {
    refuseTraining('loadAdapter', name)
    await this.#jobs.run(undefined, async (job) => {
      const { policy, adapters } = this.#model()
      const { layout, params } = await readAdapter(openFolder(folder), policy.config, job.signal)
      adapters.keep(name, layout, params)
    })
  }

  async unloadAdapter(name: string) {
    if (this.#training) refuseTraining('unloadAdapter', name)
    this.#model().adapters.remove(name)
  }

  async adapters() {
    const { names, merged } = this.#model().adapters
    return names.map((name) => ({ name, isMerged: merged.includes(name) }))
  }

  async mergeAdapter(name: string, strength = 1) {
    await this.#jobs.run(undefined, async (job) => {
      this.#jobs.expectAlone('mergeAdapter', job)
      const { policy, adapters } = this.#model()
      adapters.merge(policy.decoder, name, strength)
    })
  }

  async unmergeAdapter(name: string) {
    await this.#jobs.run(undefined, async (job) => {
      this.#jobs.expectAlone('unmergeAdapter', job)
      const { policy, adapters } = this.#model()
      adapters.unmerge(policy.decoder, name)
    })
  }

  async renderPrompt(prompt: Text, { images = 1, context = '' }: { images?: number; context?: string } = {}) {
    const { encoder } = this.#model().policy
    return encoder.renderPrompt(
      typeof prompt === 'string' ? encoder.userPrompt(prompt) : prompt,
      images,
      context,
    )
  }

  async endOfAnswer() {
    const { endOfAnswer } = this.#model().policy.encoder
    if (endOfAnswer === undefined) throw new Error('expected a token that ends an answer, the model has none')
    return endOfAnswer
  }

  async generate(...[job, onAnswers]: Parameters<PolicyApi['generate']>) {
    return await this.#run(job.call, onAnswers, async (running, send) => {
      const loaded = this.#model()
      return await loaded.adapters.use(job, (active) =>
        writeAnswers(loaded, job, active, running, onAnswers && send),
      )
    })
  }

  async spell(...[answer]: Parameters<PolicyApi['spell']>) {
    return spellTokens(this.#model().policy.encoder, answer)
  }

  async logps(...[job, onResult]: Parameters<PolicyApi['logps']>) {
    return await this.#run(job.call, onResult, async (running, send) => {
      const { policy, logps, adapters } = this.#model()
      return await adapters.use(job, async (active) => {
        const results: CompletionLogps[] = []
        for await (const result of measureCompletions(policy.encoder, logps, job, active, running)) {
          results.push(result)
          send(result)
        }
        return results
      })
    })
  }

  async replies(...[job, onReplies]: Parameters<PolicyApi['replies']>) {
    return await this.#run(job.call, onReplies, async (running, send) => {
      const { policy, logps, adapters } = this.#model()
      return await adapters.use(job, async (active) => {
        const all: Reply[][] = []
        for await (const replies of readReplies(policy.encoder, logps, job, active, running)) {
          all.push(replies)
          send(replies)
        }
        return all
      })
    })
  }

  async train(...[job, onEvent, readImage]: Parameters<PolicyApi['train']>) {
    if (this.#training) throw new Error('train: expected no other training under way')
    return await this.#run(job.call, onEvent, async (running, send) => {
      const loaded = this.#model()
      const { merged } = loaded.adapters
      if (merged.length > 0)
        throw new Error(
          `train: expected the weights as they were loaded, got ${merged.join(', ')} merged; unmerge first`,
        )
      this.#training = running
      try {
        return await trainPolicy(loaded, job, running, send, readImage)
      } finally {
        this.#training = undefined
        letGo(readImage)
      }
    })
  }

  async memory() {
    const { arena } = this.#model().gpu
    const { bytesInUse, peakBytes } = arena.stats
    arena.resetPeak()
    return { bytesInUse, peakBytes }
  }

  async pause(call?: string) {
    this.#jobs.chosen(call)?.pause()
  }

  async resume(call?: string) {
    this.#jobs.chosen(call)?.resume()
  }

  async stop() {
    if (this.#training?.isUnderWay) this.#training.stop()
    else this.#training?.cancel() // there is nothing to continue from yet
  }

  async cancel(call?: string) {
    this.#jobs.chosen(call)?.cancel()
  }

  /** Runs a job that tells of its progress, in the reach of `pause`, `resume` and `cancel`. */
  async #run<E, T>(
    call: string | undefined,
    callback: ((event: E) => void) | undefined,
    work: (job: Job, send: (event: E) => void) => Promise<T>,
  ): Promise<T> {
    return await this.#jobs.run(call, (job) => relayed(callback, (send) => work(job, send)))
  }

  /** The device, opened anew where nothing can be computed on it any more. */
  async #openGpu(): Promise<Gpu> {
    if (this.#gpu?.failure) {
      this.#gpu.close()
      this.#gpu = undefined
    }
    this.#gpu ??= await Gpu.open()
    return this.#gpu
  }

  #model(): Loaded {
    if (!this.#loaded) throw new Error('expected a model to be loaded first')
    this.#loaded.gpu.assertAlive()
    return this.#loaded
  }

  #unload(): void {
    this.#loaded?.adapters.clear()
    this.#loaded?.logps.release()
    this.#loaded?.policy.release()
    this.#loaded = undefined
  }
}

function refuseTraining(what: string, name: string): void {
  if (name === TRAINING) throw new Error(`${what}: ${TRAINING} is the name of the adapter being trained`)
}
