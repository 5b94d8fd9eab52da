import type { FileSpec } from '../data/folder.ts'
import type { Store } from '../store/store.ts'
import type { Answer } from '../workers/policy.api.ts'
import { imageFile } from './image-file.ts'
import { openModels, type RunModels } from './models.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { notesOf } from './run-notes.ts'
import type { Question, TwoAnswers } from './runner.api.ts'
import { type RunSources, resolveModel } from './sources.ts'
import { type TrainOutput, trainedAdapter } from './stages/train.ts'

/** There is no trained model to ask yet. */
export class NotTrainedError extends Error {
  override readonly name = 'NotTrainedError'
}

/** The model of one run, held between questions. */
export class AskedModel {
  readonly #store: Store
  #open: { readonly run: string; readonly models: RunModels; readonly recipe: Recipe } | undefined
  #controller = new AbortController()

  constructor(store: Store) {
    this.#store = store
  }

  /** Answers a question without the adapter and with it. @throws {NotTrainedError} */
  async ask(question: Question, onAnswer: (answer: TwoAnswers) => void): Promise<TwoAnswers> {
    const { run, picture, prompt, strength } = question
    const adapter = await trainedAdapter(await this.#training(run))
    const { models, recipe } = await this.#models(run, question.sources)
    const client = await models.policy()
    const name = await models.adapter(adapter)
    const image: FileSpec =
      'hash' in picture ? await imageFile(this.#store, { hash: picture.hash, name: picture.hash }) : picture
    let answers: TwoAnswers = { base: '', tuned: '', isFinished: false }
    const job = {
      requests: [{ images: [image], prompt }],
      temperature: 0,
      maxNewTokens: recipe.evaluate.max_new_tokens,
    }
    const show = (side: 'base' | 'tuned') => (grown: readonly Answer[]) => {
      answers = { ...answers, [side]: grown[0]?.text ?? answers[side] }
      onAnswer(answers)
    }
    const [base] = await client.generate(job, show('base'))
    const [tuned] = await client.generate({ ...job, adapter: name, strength }, show('tuned'))
    return { base: base?.text ?? '', tuned: tuned?.text ?? '', isFinished: true }
  }

  /** Lets the model go. */
  close(): void {
    this.#controller.abort(new DOMException('closed', 'AbortError'))
    this.#controller = new AbortController()
    this.#open?.models.close()
    this.#open = undefined
  }

  async #training(id: string): Promise<TrainOutput> {
    const record = await this.#store.runs.get(id)
    const trained = record && notesOf(record).outputs.filter(({ stage }) => stage === 'train')
    const last = trained?.sort((a, b) => b.round - a.round)[0]
    const units = last && (this.#store.stage(last.kind, last.hash) as TrainOutput['units'])
    const end = await units?.done()
    if (!units || !end)
      throw new NotTrainedError(
        `run ${id}: expected one that has been trained, got one that has not; run it first`,
      )
    return { hash: units.hash, units, ...end.summary }
  }

  async #models(run: string, sources: RunSources) {
    if (this.#open?.run === run) return this.#open
    this.close()
    const recipe = parseRecipe((await this.#store.runs.get(run))?.recipe)
    const { signal } = this.#controller
    const policy = await resolveModel(recipe.policy, sources, signal)
    const clip = await resolveModel(recipe.clip, sources, signal)
    const models = openModels({ policy, clip, store: this.#store, signal, emit: () => {} })
    this.#open = { run, models, recipe }
    return this.#open
  }
}
