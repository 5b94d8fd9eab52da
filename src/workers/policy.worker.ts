import { expose, transfer } from 'comlink'
import { type FolderSpec, openFile, openFolder } from '../data/folder.ts'
import { readImage } from '../data/images.ts'
import { parseLoraConfig, writeAdapter } from '../data/peft.ts'
import { type CompletionExample, readCompletions, readPreferences } from '../data/preference.ts'
import { sha256 } from '../data/sha256.ts'
import { Autotuner } from '../gpu/autotune.ts'
import { Gpu } from '../gpu/gpu.ts'
import { parseTrainerConfig } from '../method/trainer-config.ts'
import { type ReadAdapter, readAdapter } from '../models/adapter-files.ts'
import type { ModelConfig } from '../models/config.ts'
import {
  type AdapterLayout,
  AdapterTensors,
  adapterLayout,
  initialAdapter,
  unpackAdapter,
} from '../models/decoder/adapter.ts'
import { AnswerLogps } from '../models/decoder/answer-logps.ts'
import type { Sequence } from '../models/decoder/batch.ts'
import type { Generation, GenerationRequest } from '../models/decoder/generation.ts'
import { Generator } from '../models/decoder/generator.ts'
import type { ActiveAdapter } from '../models/decoder/linear.ts'
import { DpoTrainer } from '../models/decoder/trainer.ts'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from '../models/decoder/training-checkpoint.ts'
import { runTraining } from '../models/decoder/training-run.ts'
import { PolicyModel } from '../models/policy-model.ts'
import type { PromptEncoder } from '../models/prompt-encoder.ts'
import { atRow, encodePairs, hashRun } from '../models/training-pairs.ts'
import { StoredTuning } from '../store/tuning.ts'
import { Job } from './job.ts'
import type {
  Answer,
  CompletionLogps,
  GenerateRequest,
  PolicyApi,
  TrainEvent,
  TrainJob,
  TrainOutcome,
} from './policy.api.ts'
import { type Relay, relayTo } from './relay.ts'

/** The name under which the adapter being trained, or trained last, answers. */
const TRAINING = 'training'

interface Loaded {
  readonly policy: PolicyModel
  readonly generator: Generator
  readonly logps: AnswerLogps
}

class PolicySession implements PolicyApi {
  #gpu: Gpu | undefined
  #loaded: Loaded | undefined
  readonly #adapters = new Map<string, AdapterTensors>()
  /** In the order they began: `pause`, `resume` and `cancel` are meant for the first. */
  readonly #jobs = new Set<Job>()
  #training: Job | undefined

  async load(...[spec, options = {}, onProgress]: Parameters<PolicyApi['load']>) {
    const relay = relayTo(onProgress)
    return await this.#run(async (job) => {
      if (this.#training) throw new Error('load: expected no training under way; stop or cancel it first')
      this.#unload()
      this.#gpu ??= await Gpu.open()
      const gpu = this.#gpu
      const policy = await PolicyModel.load(gpu, openFolder(spec), {
        ...options,
        // A software adapter's best designs are known; trying them would only cost time.
        ...(gpu.profile.isSoftware ? {} : { tuner: new Autotuner(gpu, new StoredTuning()) }),
        signal: job.signal,
        onProgress: relay.send,
      })
      const { decoder, config } = policy
      this.#loaded = {
        policy,
        generator: await Generator.create(gpu, decoder, config.imageTokenId),
        logps: new AnswerLogps(gpu, decoder, config.imageTokenId),
      }
      return { architecture: config.architecture, adapter: gpu.profile }
    }, relay)
  }

  async loadAdapter(name: string, folder: FolderSpec) {
    if (name === TRAINING)
      throw new Error(`loadAdapter: ${TRAINING} is the name of the adapter being trained`)
    await this.#run(async (job) => {
      const { policy } = this.#model()
      const { layout, params } = await readAdapter(openFolder(folder), policy.config, job.signal)
      this.#keep(name, layout, params)
    })
  }

  async generate(...[job, onAnswers]: Parameters<PolicyApi['generate']>) {
    const relay = relayTo(onAnswers)
    return await this.#run(async ({ signal, gate }) => {
      const { policy, generator } = this.#model()
      const encoded: { request: GenerationRequest; imageHashes: string[] }[] = []
      for (const request of job.requests) encoded.push(await encodeRequest(policy.encoder, request, signal))
      const answer = (generation: Generation): Answer => ({
        ...generation,
        text: policy.encoder.decodeText(generation.tokens),
        imageHashes: encoded[generation.request]?.imageHashes ?? [],
      })
      const { requests: _, adapter, maxNewTokens = 256, temperature = 0, ...settings } = job
      const generations = await generator.generate(
        encoded.map(({ request }) => request),
        { ...settings, temperature, maxNewTokens, stopTokens: policy.encoder.stopTokens },
        {
          adapter: this.#active(adapter),
          signal,
          gate,
          ...(onAnswers ? { onTokens: (grown) => relay.send(grown.map(answer)) } : {}),
        },
      )
      return generations.map(answer)
    }, relay)
  }

  async logps(...[job, onResult]: Parameters<PolicyApi['logps']>) {
    const relay = relayTo(onResult)
    return await this.#run(async ({ signal, gate }) => {
      const { policy, logps } = this.#model()
      const { batchSize = 8 } = job
      const adapter = this.#active(job.adapter)
      const folder = openFolder(job.images)
      const results: CompletionLogps[] = []
      const batch: { example: CompletionExample; sequence: Sequence }[] = []
      const measure = async (): Promise<void> => {
        const rows = batch.splice(0)
        const measured = await logps.measure(
          rows.map(({ sequence }) => sequence),
          adapter,
        )
        rows.forEach(({ example }, i) => {
          const tokenLogps = measured[i] ?? []
          const logp = tokenLogps.reduce((total, value) => total + value, 0)
          const result = { row: withoutBytes(example.values), logp, numTokens: tokenLogps.length, tokenLogps }
          results.push(result)
          relay.send(result)
        })
      }
      for await (const example of readCompletions(await openFile(job.data, signal), signal)) {
        await gate()
        const { where, prompt, completion } = example
        const images: Uint8Array<ArrayBuffer>[] = []
        for (const image of example.images)
          images.push(await readImage(image, (path, s) => folder.open(path, s), where, signal))
        const { prefix, answers } = await atRow(where, () =>
          policy.encoder.encode(images, prompt, [completion]),
        )
        batch.push({ example, sequence: { prefix, answer: answers[0] ?? [] } })
        if (batch.length >= batchSize) await measure()
      }
      if (batch.length > 0) await measure()
      return results
    }, relay)
  }

  async train(...[job, onEvent]: Parameters<PolicyApi['train']>) {
    if (this.#training) throw new Error('train: expected no other training under way')
    const relay = relayTo(onEvent)
    return await this.#run(async (running) => {
      this.#training = running
      try {
        return await this.#train(job, running, relay.send)
      } finally {
        this.#training = undefined
      }
    }, relay)
  }

  async #train(job: TrainJob, running: Job, onEvent: (event: TrainEvent) => void): Promise<TrainOutcome> {
    const { policy } = this.#model()
    const { signal } = running
    const gpu = this.#gpu as Gpu
    const config = parseTrainerConfig(job.config)
    const { layout, params } = await startingAdapter(job, policy.config, config.seed, signal)
    const folder = openFolder(job.images)
    const pairs = await encodePairs(
      policy.encoder,
      readPreferences(await openFile(job.data, signal), signal),
      (path, s) => folder.open(path, s),
      { signal, onProgress: (done) => onEvent({ kind: 'pairs', done }) },
    )
    const { shuffle = true } = job
    const run = {
      settings: JSON.stringify(config),
      peft: JSON.stringify(layout.config),
      shuffle: String(shuffle),
      model: JSON.stringify(policy.config),
      ...(await hashRun(pairs, params)),
    }
    const start = job.checkpoint
      ? await readTrainingCheckpoint(await openFile(job.checkpoint, signal), run, signal)
      : params
    const { hiddenSize, vocabSize } = policy.decoder.config
    const pack = { imageTokenId: policy.config.imageTokenId, hiddenSize, vocabSize }
    const trainer = await DpoTrainer.create(
      gpu,
      policy.decoder,
      { config, layout, pairs, pack, shuffle },
      start,
    )
    try {
      this.#adapters.set(TRAINING, trainer.params)
      await trainer.computeReference({
        signal,
        onProgress: (done, total) => onEvent({ kind: 'reference', done, total }),
      })
      signal.throwIfAborted()
      const { totalSteps } = trainer.plan
      const pairsPerStep = config.per_device_train_batch_size * config.gradient_accumulation_steps
      running.isUnderWay = true
      onEvent({ kind: 'start', step: trainer.step, totalSteps, pairsPerStep })
      const outcome = await runTraining(trainer, {
        beta: config.beta,
        signal,
        ...(job.checkpointSteps === undefined ? {} : { checkpointSteps: job.checkpointSteps }),
        shouldStop: () => running.isStopping,
        gate: running.gate,
        onStep: (metrics) => onEvent({ kind: 'step', metrics }),
        onCheckpoint: (state) => {
          const file = writeTrainingCheckpoint(state, run)
          onEvent(transfer({ kind: 'checkpoint', step: state.step, file }, [file.buffer]))
        },
      })
      const { status, state, ailment } = outcome
      this.#keep(TRAINING, layout, state.params)
      const adapter = writeAdapter(layout.config, unpackAdapter(layout, state.params))
      const checkpoint = writeTrainingCheckpoint(state, run)
      return transfer(
        { status, step: state.step, totalSteps, ...(ailment ? { ailment } : {}), adapter, checkpoint },
        [adapter['adapter_model.safetensors'].buffer, checkpoint.buffer],
      )
    } finally {
      if (this.#adapters.get(TRAINING) === trainer.params) this.#adapters.delete(TRAINING)
      trainer.release()
    }
  }

  async pause() {
    this.#first()?.pause()
  }

  async resume() {
    this.#first()?.resume()
  }

  async stop() {
    if (this.#training?.isUnderWay) this.#training.stop()
    else this.#first()?.cancel() // there is nothing to continue from yet
  }

  async cancel() {
    this.#first()?.cancel()
  }

  /** Runs a job, in the reach of `pause`, `resume` and `cancel`. */
  async #run<T, E>(work: (job: Job) => Promise<T>, relay?: Relay<E>): Promise<T> {
    const job = new Job()
    this.#jobs.add(job)
    try {
      const result = await work(job)
      await relay?.settle()
      return result
    } finally {
      this.#jobs.delete(job)
    }
  }

  #first(): Job | undefined {
    return this.#jobs.values().next().value
  }

  #model(): Loaded {
    if (!this.#loaded) throw new Error('expected a model to be loaded first')
    return this.#loaded
  }

  #active(name: string | undefined): ActiveAdapter | undefined {
    if (name === undefined) return undefined
    const params = this.#adapters.get(name)
    if (params) return { params }
    const names = [...this.#adapters.keys()].join(', ') || 'none'
    throw new Error(`adapter ${name}: expected one of the resident adapters (${names})`)
  }

  /** Puts an adapter on the GPU under a name; one that had the name before goes. */
  #keep(name: string, layout: AdapterLayout, values: Float32Array<ArrayBuffer>): void {
    const gpu = this.#gpu as Gpu
    const tensors = new AdapterTensors(gpu, layout, `adapter.${name}`)
    gpu.stream.write(tensors.flat, values)
    this.#adapters.set(name, tensors)
  }

  #unload(): void {
    for (const { flat } of this.#adapters.values()) this.#gpu?.release(flat)
    this.#adapters.clear()
    this.#loaded?.logps.release()
    this.#loaded?.policy.release()
    this.#loaded = undefined
  }
}

/** A request as the generator takes it; its random numbers follow from its images and prompt, not from its place. */
async function encodeRequest(
  encoder: PromptEncoder,
  { images, prompt, candidates = 1, seed = 0, round = 0 }: GenerateRequest,
  signal: AbortSignal,
): Promise<{ request: GenerationRequest; imageHashes: string[] }> {
  const bytes: Uint8Array<ArrayBuffer>[] = []
  for (const image of images) {
    const source = await openFile(image, signal)
    bytes.push(await source.read(0, source.byteLength, signal))
  }
  const imageHashes = await Promise.all(bytes.map(sha256))
  const text = typeof prompt === 'string' ? encoder.userPrompt(prompt) : prompt
  const where = images.map((image) => ('url' in image ? image.url : image.name)).join(', ') || 'a request'
  const { prefix } = await atRow(where, () => encoder.encode(bytes, text, []))
  const [image, promptKey] = await Promise.all([numberFrom(imageHashes), numberFrom(prompt)])
  return { request: { prefix, candidates, seed, round, image, prompt: promptKey }, imageHashes }
}

/** 32 bits that stand for a value. */
async function numberFrom(value: unknown): Promise<number> {
  return Number.parseInt((await sha256(new TextEncoder().encode(JSON.stringify(value)))).slice(0, 8), 16)
}

/** The adapter a training starts from: PEFT's files, or a new one drawn from the seed. */
async function startingAdapter(
  { adapter, peft }: TrainJob,
  model: ModelConfig,
  seed: number,
  signal: AbortSignal,
): Promise<ReadAdapter> {
  if (adapter && peft !== undefined) throw new Error('train: expected peft or adapter, got both')
  if (adapter) return await readAdapter(openFolder(adapter), model, signal)
  const layout = adapterLayout(model, parseLoraConfig(peft, 'peft'))
  return { layout, params: initialAdapter(layout, seed) }
}

/** A row without the bytes of embedded images, so that it can be written as JSON. */
function withoutBytes(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const strip = (item: unknown): unknown => {
    if (ArrayBuffer.isView(item)) return null
    if (typeof item === 'string' && item.startsWith('data:')) return null
    if (Array.isArray(item)) return item.map(strip)
    return typeof item === 'object' && item !== null ? withoutBytes(item as Record<string, unknown>) : item
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strip(item)]))
}

expose(new PolicySession())
