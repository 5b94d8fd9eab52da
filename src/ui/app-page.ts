import { css, html, LitElement, nothing } from 'lit'
import type { FolderSpec } from '../data/folder.ts'
import type { OnTheWay } from '../pipeline/evaluated-adapter.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'
import { openRunner } from '../pipeline/runner-client.ts'
import { CANNOT_RUN, canRun } from './can-run.ts'
import type { GridPicture } from './dataset-grid.ts'
import { type EarlierAdapter, earlierAdapter } from './earlier-adapter.ts'
import { OfflineCopy } from './offline-copy.ts'
import './offline-note.ts'
import type { ModelsPanel } from './models-panel.ts'
import './models-panel.ts'
import { picturesTexts } from './own-pictures-text.ts'
import { PageModel } from './page-model.ts'
import { plainProblem } from './problems.ts'
import { type Json, modelTexts, placeText, valueAt } from './recipe-draft.ts'
import './recipe-json.ts'
import { recipeLink } from './recipe-link.ts'
import { NOT_LOADED, ResultsLoader } from './results-loader.ts'
import './run-bar.ts'
import { partOf } from './run-state.ts'
import type { RunsPanel } from './runs-panel.ts'
import './runs-panel.ts'
import { sharedStyles } from './shared-styles.ts'
import { isFinished, newsOf } from './stage-results.ts'
import { stagesView } from './stages-view.ts'
import './start-panel.ts'
import type { PicturesGiven } from './start-panel.ts'
import { Thumbnails } from './thumbnails.ts'
import './try-it.ts'
import { keepPageOnDrop } from './window-drops.ts'

/** `<app-page>`: start, the six stages of the run that is shown, the trained model to try, and all runs of this browser. */
export class AppPage extends LitElement {
  static override properties = {
    picture: { state: true },
    earlier: { state: true },
    isBlocked: { state: true },
  }
  /** The picture whose texts are shown. */
  declare picture: GridPicture | undefined
  /** An adapter on the way that is asked in the finished one's place. */
  declare earlier: EarlierAdapter | undefined
  /** Whether this browser can run anything. */
  declare isBlocked: boolean
  readonly model = new PageModel(openRunner(), document.baseURI, { canRun })
  readonly #offline = new OfflineCopy()
  readonly #thumbnails = new Thumbnails(this.model.runner)
  readonly #results = new ResultsLoader()
  /** The dataset from which the first picture was chosen. */
  #dataset = ''
  /** The run as the list of runs was last told of it. */
  #listed = ''
  #leaveDrops = (): void => {}

  constructor() {
    super()
    this.isBlocked = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.model.addEventListener('change', this.#changed)
    this.model.addEventListener('ended', this.#ended)
    window.addEventListener('hashchange', this.#addressed)
    this.#leaveDrops = keepPageOnDrop(window)
    void canRun().then((can) => {
      this.isBlocked = !can
    })
    void this.model.open(location.hash)
    if (import.meta.env.PROD) void this.#offline.keep(document.baseURI)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.model.removeEventListener('change', this.#changed)
    this.model.removeEventListener('ended', this.#ended)
    window.removeEventListener('hashchange', this.#addressed)
    this.#leaveDrops()
    this.model.runner.close()
  }

  override render() {
    const { model } = this
    const { controller, problem, storage } = model
    return html`
      <section class="card">
        <start-panel
          .chosen=${model.chosen}
          .own=${model.own.pictures}
          .texts=${picturesTexts(model.recipe, model.own.pictures)}
          .models=${modelTexts(model.recipe)}
          .locked=${controller.isBusy}
          .isLooking=${model.isLooking}
          .isBlocked=${this.isBlocked}
          .hint=${this.#hint}
          @choose=${(event: CustomEvent<string>) => model.choose(event.detail)}
          @given=${({ detail }: CustomEvent<PicturesGiven>) => model.give(detail.pictures, detail.role)}
          @run=${this.#run}
          @pages-models=${() => model.usePagesModels()}
          @runs=${() => this.#goTo('#runs')}
          @models=${this.#showModels}
        ></start-panel>
      </section>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${
        storage && storage.level !== 'ok'
          ? html`<p class="problem" role="alert">
              The browser’s storage is ${storage.level === 'full' ? 'full' : 'nearly full'}: delete runs below or free disk space.
            </p>`
          : nothing
      }
      ${model.recipe && model.defaults ? this.#stages(model.recipe, model.defaults) : nothing} ${this.#tryIt()}
      <section class="card" id="runs" tabindex="-1" aria-labelledby="runs-title">
        <h2 id="runs-title">Runs in this browser</h2>
        <runs-panel
          .runner=${model.runner}
          .current=${controller.state.id}
          .storage=${storage}
          .locked=${controller.isBusy}
          @open=${(event: CustomEvent<string>) => model.show(event.detail)}
          @deleted=${(event: CustomEvent<string>) => model.forget(event.detail)}
          @recipe=${this.#takeSaved}
        ></runs-panel>
      </section>
      <section class="card" id="models" tabindex="-1" aria-labelledby="models-title">
        <h2 id="models-title">Models</h2>
        <models-panel
          .runner=${model.runner}
          .recipe=${model.recipe}
          .defaults=${model.defaults}
          .locked=${controller.isBusy || model.isLooking}
          @recipe=${(event: CustomEvent<Json>) => model.change(event.detail)}
          @model=${({ detail }: CustomEvent<{ role: ModelRole; model: string | FolderSpec }>) => model.useModel(detail.role, detail.model)}
        ></models-panel>
      </section>
      <offline-note .copy=${this.#offline} .runner=${model.runner}></offline-note>
    `
  }

  #stages(recipe: Json, defaults: Json) {
    const { controller, runner, isChanged } = this.model
    const { state } = controller
    const context = { runner, controller, thumbnails: this.#thumbnails, recipe, picture: this.picture }
    return html`
      <run-bar
        .name=${String(recipe.name)}
        .state=${state}
        .isChanged=${isChanged}
        .hint=${this.#hint}
        .link=${() => recipeLink(recipe, document.baseURI)}
        @start=${() => this.model.start()}
        @pause=${() => this.model.pause()}
        @resume=${() => this.model.resume()}
        @cancel=${() => controller.cancel()}
      ></run-bar>
      <div class="stages" @recipe=${(event: CustomEvent<Json>) => this.model.change(event.detail)} @picture=${this.#chosen} @try=${this.#tryEarlier} @evaluate=${this.#evaluateEarlier} @open=${(event: CustomEvent<string>) => this.model.show(event.detail)}>
        ${stagesView(context, defaults)}
      </div>
      <section class="card">
        <recipe-json .recipe=${recipe} .take=${this.#takeRecipe} .locked=${controller.isBusy}></recipe-json>
      </section>
    `
  }

  #tryIt() {
    const { controller, recipe, sources, runner } = this.model
    const { state, isBusy } = controller
    const trained = partOf(state, 'train')
    if (!trained || !isFinished(trained)) return nothing
    const heldout = partOf(state, 'dataset', 'heldout')
    const prompt = valueAt(recipe, 'evaluate.prompt') ?? valueAt(recipe, 'caption.prompts.0')
    const earlier = this.earlier?.run === state.id ? this.earlier : undefined
    return html`<section class="card" id="try" tabindex="-1" aria-labelledby="try-title">
      <h2 id="try-title">Try it</h2>
      ${
        earlier
          ? html`<p class="row">
              As it was ${placeText(earlier)}.
              <button class="quiet" @click=${this.#tryFinished}>Back to the finished one</button>
            </p>`
          : nothing
      }
      <try-it
        .runner=${earlier?.runner ?? runner}
        .thumbnails=${this.#thumbnails}
        .run=${state.id}
        .sources=${sources}
        .hash=${heldout?.hash ?? ''}
        .news=${newsOf(heldout)}
        .prompt=${String(prompt)}
        .locked=${isBusy}
      ></try-it>
    </section>`
  }

  /** Why no run can be started; empty when one can. */
  get #hint(): string {
    return this.isBlocked ? CANNOT_RUN : this.model.missing
  }

  /** Starts the run and brings it into sight. */
  readonly #run = (): void => {
    void this.model.start()
    this.renderRoot.querySelector('run-bar')?.scrollIntoView({ block: 'start', behavior: 'smooth' })
  }

  async #needResults(): Promise<void> {
    if ((await this.#results.need()) === 'failed') this.model.tellProblem(NOT_LOADED)
  }

  readonly #tryEarlier = ({ detail }: CustomEvent<OnTheWay>): void => {
    const { runner, controller } = this.model
    if (controller.state.id === undefined) return
    this.earlier = earlierAdapter(runner, controller.state.id, detail)
    this.#goTo('#try')
  }

  /** Starts a run that measures an adapter on the way and makes nothing else anew. */
  readonly #evaluateEarlier = ({ detail }: CustomEvent<OnTheWay>): void => {
    void this.model.evaluateEarlier(detail)
    this.renderRoot.querySelector('stage-card:last-of-type')?.scrollIntoView({ block: 'start' })
  }

  readonly #tryFinished = (): void => {
    this.earlier = undefined
  }

  readonly #takeSaved = async ({ detail }: CustomEvent<Json>): Promise<void> => {
    await this.model.take(detail).catch((error: unknown) => this.model.tellProblem(plainProblem(error)))
    this.renderRoot.querySelector('run-bar')?.scrollIntoView({ block: 'start', behavior: 'smooth' })
  }

  readonly #takeRecipe = (recipe: Json): Promise<void> => this.model.take(recipe)

  readonly #showModels = (): void => {
    this.renderRoot.querySelector<ModelsPanel>('models-panel')?.offerAnother()
    this.#goTo('#models')
  }

  #goTo(section: string): void {
    const found = this.renderRoot.querySelector<HTMLElement>(section)
    found?.scrollIntoView({ block: 'start', behavior: 'smooth' })
    found?.focus({ preventScroll: true })
  }

  readonly #changed = (): void => {
    this.requestUpdate()
    const { id, status, parts } = this.model.controller.state
    if (parts.length > 0) void this.#needResults()
    const listed = parts.length > 0 ? `${id} ${status}` : this.#listed
    if (listed !== this.#listed) void this.renderRoot.querySelector<RunsPanel>('runs-panel')?.refresh()
    this.#listed = listed
    void this.#chooseFirst()
  }

  readonly #ended = (): void => {
    void this.renderRoot.querySelector<RunsPanel>('runs-panel')?.refresh()
    void this.renderRoot.querySelector<ModelsPanel>('models-panel')?.refresh()
  }

  /** Another link was followed. */
  readonly #addressed = (): void => {
    if (location.hash.startsWith('#recipe=')) void this.model.open(location.hash)
  }

  readonly #chosen = (event: CustomEvent<GridPicture>): void => {
    this.picture = event.detail
  }

  /** Until the visitor chooses one, the first picture's texts are shown. */
  async #chooseFirst(): Promise<void> {
    const part = partOf(this.model.controller.state, 'dataset', 'train')
    if (!part || part.hash === this.#dataset) return
    const { items } = await this.model.runner.pictures(part.hash, 0, 1)
    if (!items[0] || part.hash === this.#dataset) return
    this.#dataset = part.hash
    this.picture = items[0]
  }

  static override styles = [
    sharedStyles,
    css`
      :host, .stages { display: flex; flex-direction: column; gap: 1rem; }
      .card {
        display: flex;
        flex-direction: column;
        gap: 1rem;
        padding: 1.25rem 1.5rem;
        background: var(--card);
        border: 1px solid var(--line);
        border-radius: 14px;
      }
      .card > h2 { font-size: 1.1875rem; }
      @media (max-width: 34rem) { .card { padding: 1rem; } }
    `,
  ]
}

customElements.define('app-page', AppPage)
