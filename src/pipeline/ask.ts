import type { FileSpec } from '../data/folder.ts'
import type { AmberTruth } from '../evaluate/amber.ts'
import type { MarkedText } from '../evaluate/mark.ts'
import type { Judge } from '../evaluate/metrics.ts'
import type { Store } from '../store/store.ts'
import type { AdapterChoice } from '../workers/policy.api.ts'
import { evaluatedAdapter, type OnTheWay } from './evaluated-adapter.ts'
import { imageFile } from './image-file.ts'
import { type AdapterSource, openModels, type RunModels } from './models.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { markedText, type RunJudges } from './run-judges.ts'
import { notesOf } from './run-notes.ts'
import type { Question, ShownAnswer, TwoAnswers } from './runner.api.ts'
import { type RunSources, resolveModel } from './sources.ts'
import type { TrainOutput } from './stages/train.ts'
import { embeddedVocabulary, openJudge } from './vocabulary.ts'

/** Tokens told in the place of each of an answer's. */
const LIKELIEST = 5

/** There is no trained model to ask yet. */
export class NotTrainedError extends Error {
  override readonly name = 'NotTrainedError'
}

/** The model of one run, held between questions. */
export class AskedModel {
  readonly #store: Store
  #open: { readonly run: string; readonly models: RunModels; readonly recipe: Recipe } | undefined
  #controller = new AbortController()
  readonly #judges: RunJudges

  constructor(store: Store, judges: RunJudges) {
    this.#store = store
    this.#judges = judges
  }

  /** Answers a question without the adapter and with it. @throws {NotTrainedError} */
  async ask(question: Question, onAnswer: (answer: TwoAnswers) => void): Promise<TwoAnswers> {
    const { run, picture, prompt, strength } = question
    const adapter = await this.#adapter(run, question.after)
    const { models, recipe } = await this.#models(run, question.sources)
    const client = await models.policy()
    const name = await models.adapter(adapter)
    const image: FileSpec =
      'hash' in picture ? await imageFile(this.#store, { hash: picture.hash, name: picture.hash }) : picture
    const mark = question.truth && (await this.#marking(question, question.truth))
    let answers: TwoAnswers = { isFinished: false }
    const job = {
      requests: [{ images: [image], prompt }],
      temperature: 0,
      maxNewTokens: recipe.evaluate.max_new_tokens,
      topLogprobs: LIKELIEST,
    }
    const shown = (text: string): ShownAnswer => (mark ? { text, marked: mark(text) } : { text })
    const write = async (side: 'base' | 'tuned', choice: AdapterChoice): Promise<void> => {
      const [answer] = await client.generate({ ...job, ...choice }, ([grown]) => {
        if (!grown) return
        answers = { ...answers, [side]: shown(grown.text) }
        onAnswer(answers)
      })
      if (!answer) return
      answers = { ...answers, [side]: { ...shown(answer.text), tokens: await client.spell(answer) } }
      onAnswer(answers)
    }
    await write('base', {})
    await write('tuned', { adapter: name, strength })
    return { ...answers, isFinished: true }
  }

  /** How an answer is cut at its nouns and these judged by what is in the picture. */
  async #marking(
    { run, sources, world }: Question,
    truth: AmberTruth,
  ): Promise<(text: string) => MarkedText[]> {
    const judge =
      world === undefined
        ? await this.#judgeOfRun(run, sources)
        : await openJudge(await embeddedVocabulary(world, sources, this.#controller.signal))
    return (text) => markedText(judge, text, truth)
  }

  async #judgeOfRun(run: string, sources: RunSources): Promise<Judge> {
    const record = await this.#store.runs.get(run)
    const judge = record && (await this.#judges.of(record, 'heldout', sources))
    if (judge) return judge
    throw new NotTrainedError(`run ${run}: expected its held-out pictures, found none; run it again`)
  }

  /** Lets the model go. */
  close(): void {
    this.#controller.abort(new DOMException('closed', 'AbortError'))
    this.#controller = new AbortController()
    this.#open?.models.close()
    this.#open = undefined
  }

  /** @param after where on the way. Default the adapter that the run is evaluated with. */
  async #adapter(id: string, after?: OnTheWay): Promise<AdapterSource> {
    const record = await this.#store.runs.get(id)
    const outputs = record ? notesOf(record).outputs.filter(({ stage }) => stage === 'train') : []
    const trainings = outputs
      .sort((a, b) => a.round - b.round)
      .map(({ kind, hash }) => ({ units: this.#store.stage(kind, hash) as TrainOutput['units'] }))
    if (!record || !(await trainings.at(-1)?.units.done()))
      throw new NotTrainedError(
        `run ${id}: expected one that has been trained, got one that has not; run it first`,
      )
    return await evaluatedAdapter(trainings, after ?? parseRecipe(record.recipe).evaluate.adapter)
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
