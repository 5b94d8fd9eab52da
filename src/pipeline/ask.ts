import type { FileSpec } from '../data/folder.ts'
import type { AmberTruth } from '../evaluate/amber.ts'
import type { MarkedText } from '../evaluate/mark.ts'
import type { Judge } from '../evaluate/metrics.ts'
import type { Store } from '../store/store.ts'
import type { AdapterChoice } from '../workers/policy.api.ts'
import { cancellable } from './cancellable.ts'
import type { PolicyClient } from './client.ts'
import { evaluatedAdapter, type OnTheWay } from './evaluated-adapter.ts'
import type { RunEvent } from './events.ts'
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

interface OpenModel {
  readonly models: RunModels
  readonly recipe: Recipe
}

/** The model of one run, held between questions. */
export class AskedModel {
  readonly #store: Store
  readonly #judges: RunJudges
  /** The run whose model is held or on its way. */
  #run: string | undefined
  #open: OpenModel | undefined
  #isLoading = false
  #onLoading: (loading: NonNullable<TwoAnswers['loading']>) => void = () => {}
  /** Of the model. */
  #controller = new AbortController()
  /** Of the question that was asked last, while it is under way. */
  #question: AbortController | undefined
  /** Resolves when no question is under way any more. */
  #ended: Promise<unknown> = Promise.resolve()

  constructor(store: Store, judges: RunJudges) {
    this.#store = store
    this.#judges = judges
  }

  /**
   * Answers a question without the adapter and with it, in the place of one that is under way; its model goes on being loaded
   * where it is the same.
   * @throws {NotTrainedError}; an `AbortError` when another question, `stop` or `close` comes between.
   */
  async ask(question: Question, onAnswer: (answer: TwoAnswers) => void): Promise<TwoAnswers> {
    this.#breakOff()
    if (this.#run !== question.run) this.#letGo()
    this.#run = question.run
    this.#onLoading = (loading) => onAnswer({ loading })
    const controller = new AbortController()
    this.#question = controller
    const answering = this.#ended.then(() => this.#answer(question, onAnswer, controller.signal))
    this.#ended = answering.catch(() => {})
    try {
      return await answering
    } catch (error) {
      controller.signal.throwIfAborted() // whatever it broke
      throw error
    } finally {
      if (this.#question === controller) this.#question = undefined
    }
  }

  /** Breaks the question under way off; a model that is not wholly loaded is let go. */
  stop(): void {
    this.#breakOff()
    if (this.#isLoading) this.#letGo()
  }

  /** Lets the model go, and breaks off what it is asked. */
  close(): void {
    this.#breakOff()
    this.#letGo()
  }

  async #answer(
    question: Question,
    onAnswer: (answer: TwoAnswers) => void,
    signal: AbortSignal,
  ): Promise<TwoAnswers> {
    signal.throwIfAborted()
    const { run, picture, prompt, strength } = question
    const adapter = await this.#adapter(run, question.after)
    const { models, recipe, client } = await this.#loaded(run, question.sources)
    signal.throwIfAborted()
    const name = await models.adapter(adapter)
    const image: FileSpec =
      'hash' in picture ? await imageFile(this.#store, { hash: picture.hash, name: picture.hash }) : picture
    const mark = question.truth && (await this.#marking(question, question.truth, signal))
    let answers: TwoAnswers = {}
    const job = {
      requests: [{ images: [image], prompt }],
      temperature: 0,
      maxNewTokens: recipe.evaluate.max_new_tokens,
      topLogprobs: LIKELIEST,
    }
    const shown = (text: string): ShownAnswer => (mark ? { text, marked: mark(text) } : { text })
    const write = async (side: 'base' | 'tuned', choice: AdapterChoice): Promise<void> => {
      const [answer] = await cancellable(signal, client, () =>
        client.generate({ ...job, ...choice }, ([grown]) => {
          if (!grown) return
          answers = { ...answers, [side]: shown(grown.text) }
          onAnswer(answers)
        }),
      )
      if (!answer) return
      answers = { ...answers, [side]: { ...shown(answer.text), tokens: await client.spell(answer) } }
      onAnswer(answers)
    }
    await write('base', {})
    await write('tuned', { adapter: name, strength })
    return answers
  }

  /** How an answer is cut at its nouns and these judged by what is in the picture. */
  async #marking(
    { run, sources, world }: Question,
    truth: AmberTruth,
    signal: AbortSignal,
  ): Promise<(text: string) => MarkedText[]> {
    const judge =
      world === undefined
        ? await this.#judgeOfRun(run, sources)
        : await openJudge(await embeddedVocabulary(world, sources, signal))
    return (text) => markedText(judge, text, truth)
  }

  async #judgeOfRun(run: string, sources: RunSources): Promise<Judge> {
    const record = await this.#store.runs.get(run)
    const judge = record && (await this.#judges.of(record, 'heldout', sources))
    if (judge) return judge
    throw new NotTrainedError(`run ${run}: expected its held-out pictures, found none; run it again`)
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

  async #loaded(run: string, sources: RunSources): Promise<OpenModel & { readonly client: PolicyClient }> {
    this.#isLoading = true
    try {
      this.#open ??= await this.#openModel(run, sources)
      const open = this.#open
      return { ...open, client: await open.models.policy() }
    } finally {
      this.#isLoading = false
    }
  }

  async #openModel(run: string, sources: RunSources): Promise<OpenModel> {
    const { signal } = this.#controller
    const recipe = parseRecipe((await this.#store.runs.get(run))?.recipe)
    const policy = await resolveModel(recipe.policy, sources, signal)
    const clip = await resolveModel(recipe.clip, sources, signal)
    const emit = (event: RunEvent): void => {
      if (event.kind !== 'loading') return
      const { what, done, total } = event
      this.#onLoading({ what, done, total })
    }
    signal.throwIfAborted()
    return { models: openModels({ policy, clip, store: this.#store, signal, emit }), recipe }
  }

  #breakOff(): void {
    this.#question?.abort(new DOMException('stopped', 'AbortError'))
  }

  #letGo(): void {
    this.#controller.abort(new DOMException('closed', 'AbortError'))
    this.#controller = new AbortController()
    this.#open?.models.close()
    this.#open = undefined
    this.#run = undefined
  }
}
