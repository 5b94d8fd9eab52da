import { expose } from 'comlink'
import type { FolderSpec } from '../data/folder.ts'
import type { ImageDatasetSpec } from '../data/image-dataset.ts'
import { Downloads } from '../store/downloads.ts'
import { UnknownRunError } from '../store/errors.ts'
import { openStore } from '../store/store.ts'
import { relayed } from '../workers/relay.ts'
import { runArchive, runFile } from './archive.ts'
import { AskedModel } from './ask.ts'
import { cachedModels } from './cached-models.ts'
import { readComparedRun, readEvaluations } from './compare.ts'
import { DamageLog, mended, type RunDamage } from './damage.ts'
import type { RunEvent } from './events.ts'
import { modelHash } from './fingerprints.ts'
import { ImageMissingError } from './image-file.ts'
import { inspectModel } from './inspect-model.ts'
import { inspectPictures } from './inspect-pictures.ts'
import { PairPreviews } from './pair-preview.ts'
import { PauseSwitch } from './pause.ts'
import { parseRecipe } from './recipe.ts'
import { runId, runRecipe } from './run.ts'
import { markedText, RunJudges } from './run-judges.ts'
import { notesOf } from './run-notes.ts'
import { type CardRange, cardPage, makeRunView, pairSample, scoreView } from './run-view.ts'
import type { ArchiveOptions, ListedRun, RunnerApi, TrainingView } from './runner.api.ts'
import type { StageEnd } from './stage.ts'
import type { PairOutput } from './stages/pair.ts'
import type { ScoreOutput } from './stages/score.ts'
import { readSteps } from './stages/step-log.ts'
import type { TrainSummary, TrainUnit } from './stages/train.ts'
import { openOutput, PictureIndex, readRunOutput, readStoredRun, readTexts } from './stored-run.ts'
import { WatchedTrainings } from './watched-training.ts'

/** The run that is under way. */
interface Running {
  /** Undefined for a moment at the beginning. */
  id?: string
  readonly controller: AbortController
  readonly pause: PauseSwitch
}

class Runner implements RunnerApi {
  readonly #store = openStore({
    onCorrupt: (found) => this.#damage.add(found, this.#running?.id),
  })
  readonly #damage = new DamageLog(this.#store.runs, (damage) => {
    console.warn(damage.text)
    for (const tell of this.#watchers) tell(damage)
  })
  /** Who is told of damage, for as long as the worker lives. */
  readonly #watchers: ((damage: RunDamage) => void)[] = []
  readonly #judges = new RunJudges(this.#store)
  readonly #asked = new AskedModel(this.#store, this.#judges)
  readonly #watched = new WatchedTrainings(this.#store, this.#judges)
  readonly #previews = new PairPreviews(this.#store)
  readonly #pictures = new Map<string, PictureIndex>()
  #running: Running | undefined

  async idOf(recipe: unknown) {
    return await runId(parseRecipe(recipe))
  }

  async run(...[json, sources, onEvent]: Parameters<RunnerApi['run']>) {
    if (this.#running)
      throw new Error('run: expected no other run under way in this tab; cancel it or wait for its end')
    const recipe = parseRecipe(json)
    const running: Running = { controller: new AbortController(), pause: new PauseSwitch() }
    this.#running = running // before anything is awaited, so that no second call passes
    await relayed<RunEvent, void>(onEvent, async (emit) => {
      try {
        running.id = await runId(recipe)
        this.#asked.close() // two models at once might not fit
        const { pause, controller } = running
        const { signal } = controller
        await mended(() => runRecipe(recipe, { store: this.#store, sources, signal, pause, emit }))
      } finally {
        this.#running = undefined
        await this.#damage.settle()
      }
    })
  }

  async pause() {
    this.#running?.pause.pause()
  }

  async resume() {
    this.#running?.pause.resume()
  }

  async cancel() {
    this.#running?.controller.abort(new DOMException('stopped', 'AbortError'))
  }

  async watchDamage(onDamage: (damage: RunDamage) => void) {
    this.#watchers.push(onDamage)
  }

  async list() {
    const { runs } = this.#store
    const usage = await runs.usage()
    return await Promise.all(
      (await runs.list()).map(async ({ notes: _, stages: __, ...run }): Promise<ListedRun> => {
        const { byteLength, ownByteLength } = usage.get(run.id) ?? { byteLength: 0, ownByteLength: 0 }
        return { ...run, isOpen: await runs.isOpen(run.id), byteLength, ownByteLength }
      }),
    )
  }

  async isAnyOpen() {
    return await this.#store.runs.isAnyOpen()
  }

  async rename(id: string, name: string) {
    await this.#store.runs.rename(id, name)
  }

  async delete(id: string) {
    this.#pictures.clear()
    await this.#store.runs.delete(id)
  }

  async compare(ids: readonly string[]) {
    const found = await Promise.all(ids.map((id) => readComparedRun(this.#store, id)))
    return found.filter((run) => run !== undefined)
  }

  async evaluations(id: string) {
    return await readEvaluations(this.#store, id)
  }

  async open(id: string) {
    return await readStoredRun(this.#store, id)
  }

  async pictures(hash: string, start: number, end: number) {
    return await this.#index(hash).page(start, end)
  }

  async thumbnails(hashes: readonly string[]) {
    return await this.#store.thumbnails.getMany(hashes)
  }

  async picture(hash: string) {
    const bytes = await this.#store.images.get(hash)
    if (bytes) return bytes
    throw new ImageMissingError(`picture ${hash}: expected it in the store, found none; run the recipe again`)
  }

  async texts(id: string, round: number, imageHash: string) {
    const record = await this.#store.runs.get(id)
    const outputs = record ? notesOf(record).outputs : []
    const dataset = outputs.find(({ stage, part }) => stage === 'dataset' && part === 'train')
    const unit = dataset && (await this.#index(dataset.hash).unitOf(imageHash))
    if (unit === undefined) return { candidates: [], pairs: [] }
    return await readTexts(this.#store, outputs, { round, imageHash, unit })
  }

  async mark(...[id, texts, truth, sources]: Parameters<RunnerApi['mark']>) {
    const judge = await this.#judges.of(await this.#record(id), 'train', sources)
    return texts.map((text) => (judge ? markedText(judge, text, truth) : [{ text }]))
  }

  async scores(id: string, round: number) {
    const made = await this.#round(id, round)
    return made && (await scoreView(made.scores, made.pairs, made.recipe.pair))
  }

  async pairs(id: string, round: number, start: number, end: number) {
    const made = await this.#round(id, round)
    return made && (await pairSample(made.pairs, this.#store, end, start))
  }

  async cards(id: string, range: CardRange) {
    const { evaluation } = await this.#output(id)
    return await cardPage(evaluation, this.#store, range)
  }

  async view(id: string) {
    return await makeRunView(await this.#output(id), this.#store)
  }

  async file(id: string, path: string) {
    return await runFile(await this.#output(id), path)
  }

  async archive(id: string, options: ArchiveOptions) {
    return await runArchive(await this.#output(id), this.#store, options)
  }

  async previewPairs(hash: string, settings: unknown, round?: number) {
    return await this.#previews.preview(hash, settings, round)
  }

  async watched(...[id, round, sources]: Parameters<RunnerApi['watched']>) {
    return await this.#watched.read(await this.#record(id), round, sources)
  }

  async adapterAt(...[id, round, step, folder]: Parameters<RunnerApi['adapterAt']>) {
    return await this.#watched.adapter(await this.#record(id), round, step, folder)
  }

  async training(hash: string): Promise<TrainingView> {
    const units = this.#store.stage<TrainUnit, StageEnd<TrainSummary>>('results', hash)
    const { summary, peakGpuBytes } = (await units.done())?.summary ?? {}
    const stepSeconds = summary?.stepSeconds
    return {
      steps: await readSteps(units),
      ...(stepSeconds === undefined ? {} : { stepSeconds }),
      ...(peakGpuBytes === undefined ? {} : { peakGpuBytes }),
    }
  }

  async cachedModels() {
    return cachedModels(await new Downloads().list())
  }

  async deleteModel(url: string) {
    await new Downloads().delete(url)
  }

  async inspectModel(...[folder, role]: Parameters<RunnerApi['inspectModel']>) {
    return await inspectModel(folder, role)
  }

  async modelHash(folder: FolderSpec) {
    return await modelHash(folder, location.href)
  }

  async inspectPictures(spec: ImageDatasetSpec) {
    return await inspectPictures(spec, location.href)
  }

  async ask(...[question, onAnswer]: Parameters<RunnerApi['ask']>) {
    if (this.#running)
      throw new Error('ask: expected no run under way, since two models might not fit; wait for its end')
    return await relayed(onAnswer, (send) => this.#asked.ask(question, send))
  }

  async stopAsking() {
    this.#asked.stop()
  }

  /** What the scores and pairs of a round have come to; undefined while they are not finished. */
  async #round(id: string, round: number) {
    const record = await this.#record(id)
    const { outputs } = notesOf(record)
    const scores = await openOutput(this.#store, outputs, { stage: 'score', round })
    const pairs = await openOutput(this.#store, outputs, { stage: 'pair', round })
    if (!scores || !pairs) return undefined
    const recipe = parseRecipe(record.recipe)
    return { recipe, scores: scores as ScoreOutput, pairs: pairs as PairOutput }
  }

  async #output(id: string) {
    return await readRunOutput(this.#store, await this.#record(id))
  }

  async #record(id: string) {
    const record = await this.#store.runs.get(id)
    if (record) return record
    throw new UnknownRunError(`run ${id}: expected a run of that id, found none: it may have been deleted`)
  }

  #index(hash: string): PictureIndex {
    const index = this.#pictures.get(hash) ?? new PictureIndex(this.#store, hash)
    this.#pictures.set(hash, index)
    return index
  }
}

expose(new Runner())
