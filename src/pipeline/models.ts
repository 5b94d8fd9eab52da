import type { FolderSpec } from '../data/folder.ts'
import type { Store } from '../store/store.ts'
import type { ExpectedUse, LoadOptions, PeftFiles, PolicyInfo } from '../workers/policy.api.ts'
import { cancellable } from './cancellable.ts'
import { type ClipClient, openClip, openPolicy, type PolicyClient } from './client.ts'
import { ClipEmbedder } from './clip-embedder.ts'
import type { RunEvent } from './events.ts'
import { PauseSwitch, pausableClip, pausablePolicy } from './pause.ts'

/** What a model runs on. */
export type DeviceProfile = PolicyInfo['adapter']

/** A model's folder, the hash of everything in it that matters, and how it is to be loaded. */
export interface ModelSource {
  /** For people. */
  readonly name: string
  readonly folder: FolderSpec
  readonly hash: string
  readonly weights?: LoadOptions['weights']
}

/** SHA-256 of the files of a run's models, as a recipe asks for them by `sha256`. */
export interface ModelHashes {
  readonly policy: string
  readonly clip: string
  /** In the recipe's order; absent where it names none. */
  readonly captioners?: readonly string[]
  /** Of questions; absent where the recipe names none. */
  readonly writer?: string
}

/** An adapter and the hash of its files. */
export interface AdapterSource {
  readonly files: PeftFiles
  readonly hash: string
}

/** The models of a run, each started and loaded when it is first needed. */
export interface RunModels {
  /** The policy, loaded; a writer that took its place is let go. */
  policy(): Promise<PolicyClient>
  /** Another model that writes; it takes the policy's place until `policy` is asked for again, since two might not fit. */
  writer(source: ModelSource): Promise<PolicyClient>
  clip(): Promise<ClipEmbedder>
  /** Makes an adapter resident in the policy, and gives the name it answers to. */
  adapter(source: AdapterSource): Promise<string>
  /** Most GPU memory the policy took since the last call; undefined while none is loaded. */
  peakGpuBytes(): Promise<number | undefined>
  /** Ends the workers. */
  close(): void
}

export interface ModelOptions {
  /** Default none: then nobody may ask for it. */
  readonly policy?: ModelSource
  /** What the policy will be used for, so that what it takes is told before it is loaded. Default only holding it. */
  readonly use?: ExpectedUse
  readonly clip?: ModelSource
  readonly store: Store
  readonly signal: AbortSignal
  readonly emit: (event: RunEvent) => void
  /** Is told what the policy runs on whenever it is loaded. */
  readonly onDevice?: (device: DeviceProfile) => Promise<void>
  /** Default a run that is never paused. */
  readonly pause?: PauseSwitch
}

/** @throws {WorkerError} and what the workers' `load` throws, when a model is first needed. */
export function openModels({
  policy,
  use,
  clip,
  store,
  signal,
  emit,
  onDevice = async () => {},
  pause = new PauseSwitch(),
}: ModelOptions): RunModels {
  let worker: PolicyClient | undefined
  /** Hash of the model in the policy's worker, and the adapters that are resident in it. */
  let loaded: string | undefined
  const adapters = new Set<string>()
  let clipWorker: ClipClient | undefined
  let embedder: Promise<ClipEmbedder> | undefined

  const load = async (source: ModelSource): Promise<PolicyClient> => {
    const needs = worker?.needs()
    if (needs === 'client') {
      worker?.close()
      worker = undefined
    }
    if (needs !== 'nothing') loaded = undefined
    worker ??= pausablePolicy(openPolicy(), pause, signal)
    if (loaded === source.hash) return worker
    loaded = undefined
    adapters.clear()
    const { weights } = source
    const options = {
      ...(weights ? { weights } : {}),
      ...(source === policy && use ? { use } : {}),
    }
    const client = worker
    const info = await cancellable(signal, client, () =>
      client.load(source.folder, options, ({ done, total, plan }) =>
        emit({
          kind: 'loading',
          what: source.name,
          done,
          total,
          ...(plan ? { plannedBytes: plan.peakBytes } : {}),
        }),
      ),
    )
    loaded = source.hash
    await onDevice(info.adapter)
    return client
  }
  const openEmbedder = async ({ folder, name }: ModelSource): Promise<ClipEmbedder> => {
    const client = pausableClip(openClip(), pause, signal)
    clipWorker = client
    const info = await cancellable(signal, client, () =>
      client.load(folder, ({ done, total }) => emit({ kind: 'loading', what: name, done, total })),
    )
    return new ClipEmbedder(client, info, store, signal)
  }
  return {
    policy: () => load(given(policy, 'policy')),
    writer: load,
    clip() {
      embedder ??= openEmbedder(given(clip, 'clip'))
      return embedder
    },
    async adapter({ files, hash }) {
      const client = await load(given(policy, 'policy'))
      if (!adapters.has(hash)) {
        await client.loadAdapter(hash, adapterFolder(files))
        adapters.add(hash)
      }
      return hash
    },
    peakGpuBytes: async () => (worker && loaded ? (await worker.memory()).peakBytes : undefined),
    close() {
      worker?.close()
      clipWorker?.close()
    },
  }
}

function given(source: ModelSource | undefined, kind: string): ModelSource {
  if (source) return source
  throw new RangeError(`models: expected a ${kind} to be given, got none`)
}

/** An adapter's files as a folder that can be sent to a worker. */
export function adapterFolder(files: PeftFiles): FolderSpec {
  return {
    name: 'adapter',
    files: {
      'adapter_config.json': new Blob([files['adapter_config.json']]),
      'adapter_model.safetensors': new Blob([files['adapter_model.safetensors']]),
    },
  }
}
