import { proxy, wrap } from 'comlink'
import { guarded } from './client.ts'
import type { RunnerApi } from './runner.api.ts'

export { askPersistence, type StorageState, storageState } from '../store/quota.ts'

export interface RunnerClient extends RunnerApi {
  /** Ends the worker at once; what was stored is kept. */
  close(): void
}

/** Starts the worker in which a page's runs are run and read. */
export function openRunner(): RunnerClient {
  const worker = new Worker(new URL('./runner.worker.ts', import.meta.url), {
    type: 'module',
    name: 'runner',
  })
  const remote = wrap<RunnerApi>(worker)
  const { guard, close } = guarded(worker, remote)
  return {
    idOf: (recipe) => guard(remote.idOf(recipe)),
    run: (recipe, sources, onEvent) => guard(remote.run(recipe, sources, proxy(onEvent))),
    pause: () => guard(remote.pause()),
    resume: () => guard(remote.resume()),
    cancel: () => guard(remote.cancel()),
    watchDamage: (onDamage) => guard(remote.watchDamage(proxy(onDamage))),
    list: () => guard(remote.list()),
    isAnyOpen: () => guard(remote.isAnyOpen()),
    rename: (id, name) => guard(remote.rename(id, name)),
    delete: (id) => guard(remote.delete(id)),
    compare: (ids) => guard(remote.compare(ids)),
    evaluations: (ids) => guard(remote.evaluations(ids)),
    open: (id) => guard(remote.open(id)),
    pictures: (hash, start, end) => guard(remote.pictures(hash, start, end)),
    thumbnails: (hashes) => guard(remote.thumbnails(hashes)),
    picture: (hash) => guard(remote.picture(hash)),
    texts: (id, round, imageHash) => guard(remote.texts(id, round, imageHash)),
    mark: (id, texts, truth, sources) => guard(remote.mark(id, texts, truth, sources)),
    scores: (id, round) => guard(remote.scores(id, round)),
    pairs: (id, round, start, end) => guard(remote.pairs(id, round, start, end)),
    cards: (id, range) => guard(remote.cards(id, range)),
    view: (id) => guard(remote.view(id)),
    file: (id, path) => guard(remote.file(id, path)),
    archive: (id, options) => guard(remote.archive(id, options)),
    previewPairs: (hash, settings, round) => guard(remote.previewPairs(hash, settings, round)),
    watched: (id, round, sources) => guard(remote.watched(id, round, sources)),
    adapterAt: (id, round, step, folder) => guard(remote.adapterAt(id, round, step, folder)),
    training: (hash) => guard(remote.training(hash)),
    cachedModels: () => guard(remote.cachedModels()),
    deleteModel: (url) => guard(remote.deleteModel(url)),
    inspectModel: (folder, role) => guard(remote.inspectModel(folder, role)),
    modelHash: (folder) => guard(remote.modelHash(folder)),
    inspectPictures: (spec) => guard(remote.inspectPictures(spec)),
    ask: (question, onAnswer) => guard(remote.ask(question, proxy(onAnswer))),
    stopAsking: () => guard(remote.stopAsking()),
    close,
  }
}
