import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import { plainProblem } from '../problems.ts'
import { sharedStyles } from '../shared-styles.ts'
import { cellOf, drawScene, scenePicture } from './drawing.ts'
import {
  emptyScene,
  type Scene,
  sceneOfTrap,
  sceneTruth,
  spriteName,
  withChange,
  withoutSprite,
  withSprite,
} from './scene.ts'
import { loadSceneWorld, type SceneWorld, type Sprite } from './world.ts'

/** A scene's picture, and what is known to be in it. */
export interface MadeScene {
  readonly file: File
  readonly truth: ReturnType<typeof sceneTruth>
}

/** Steps of the arrow keys, in the picture's pixels. */
const STEP = 2
const LEAP = 8
/** How far a pointer goes before a click becomes a drag, in CSS pixels. */
const DRAG_PX = 5

const ARROWS: Readonly<Record<string, Pick<Sprite, 'x' | 'y'>>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
}

/** A thing that is being dragged: one of the scene, or a new one. */
interface Drag {
  readonly pointer: number
  readonly index: number | undefined
  readonly noun: string
  readonly from: Pick<PointerEvent, 'clientX' | 'clientY'>
  isMoving: boolean
  x: number
  y: number
}

/**
 * `<scene-maker>`: a place on which things are put by dragging, or by choosing them and moving them with the arrow keys. What is
 * slotted stands beside the picture. A `scene` event (`CustomEvent<MadeScene>`) follows every change.
 */
export class SceneMaker extends LitElement {
  static override properties = {
    site: {},
    world: { state: true },
    scene: { state: true },
    selected: { state: true },
    drag: { state: true },
    trap: { state: true },
    problem: { state: true },
  }
  /** Address of the page, where the sprites lie. */
  declare site: string
  declare world: SceneWorld | undefined
  declare scene: Scene
  /** Number of the thing that keys and buttons are for. */
  declare selected: number | undefined
  declare drag: Drag | undefined
  /** Number of the trap that is set. */
  declare trap: number | undefined
  declare problem: string | undefined
  #made = 0
  #hasDragged = false
  /** What was added last: Escape goes back to it among the things. */
  #lastAdded = ''

  constructor() {
    super()
    this.site = document.baseURI
    this.scene = emptyScene('')
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  override updated(changed: PropertyValues<this>): void {
    const canvas = this.renderRoot.querySelector('canvas')
    if (this.world && canvas && (changed.has('scene') || changed.has('world')))
      drawScene(this.world, this.scene, canvas)
  }

  override render() {
    const { world, problem } = this
    if (problem) return html`<p class="problem" role="alert">${problem}</p><slot></slot>`
    if (!world) return html`<p class="soft">Fetching the things to draw with …</p><slot></slot>`
    return html`
      ${this.#traps(world)}
      <div class="beside">
        <div class="left">${this.#stage(world)} ${this.#tools(world)}</div>
        <slot></slot>
      </div>
      ${this.#palette(world)} ${this.#ghost(world)}
    `
  }

  #stage(world: SceneWorld) {
    const { imageSize } = world
    const { sprites } = this.scene
    const share = (pixels: number): string => `${((100 * pixels) / imageSize).toFixed(3)}%`
    return html`<div class="stage" role="group" aria-label="The picture">
      <canvas width=${imageSize} height=${imageSize} aria-hidden="true"></canvas>
      ${sprites.map((sprite, i) => {
        const side = world.sizes[sprite.size]?.side ?? 0
        return html`<button
          class="sprite"
          style="left: ${share(sprite.x - side / 2)}; top: ${share(sprite.y - side / 2)}; width: ${share(side)}; height: ${share(side)}"
          aria-label=${spriteName(world, sprite)}
          aria-pressed=${i === this.selected}
          aria-keyshortcuts="ArrowLeft ArrowRight ArrowUp ArrowDown Delete"
          @focus=${() => {
            this.selected = i
          }}
          @keydown=${(event: KeyboardEvent) => this.#key(event, i)}
          @pointerdown=${(event: PointerEvent) => this.#grab(event, sprite.noun, i)}
          @pointermove=${this.#moved}
          @pointerup=${this.#dropped}
          @pointercancel=${this.#dropped}
        ></button>`
      })}
      ${sprites.length === 0 ? html`<p class="hint">Drag things here, or click them.</p>` : nothing}
    </div>`
  }

  #tools(world: SceneWorld) {
    const { scene, selected } = this
    const sprite = selected === undefined ? undefined : scene.sprites[selected]
    const change = (next: Partial<Sprite>): void => {
      if (selected !== undefined) this.#show(withChange(world, this.scene, selected, next))
    }
    const tintable = world.nouns.find(({ name }) => name === sprite?.noun)?.isTintable
    const chosen = (event: Event): string => (event.target as HTMLSelectElement).value
    return html`
      <div class="row tools">
        <label>Place
          <select @change=${(event: Event) => this.#show({ ...this.scene, place: chosen(event), variant: 0 })}>
            ${world.places.map(({ name }) => html`<option ?selected=${name === scene.place}>${name}</option>`)}
          </select>
        </label>
        <button @click=${() => this.#show({ ...this.scene, variant: (this.scene.variant + 1) % world.variants })}>Another view</button>
        <button ?disabled=${scene.sprites.length === 0} @click=${() => this.#clear()}>Clear</button>
      </div>
      <div class="row tools" role="group" aria-label="What is chosen">
        ${
          sprite && selected !== undefined
            ? html`<b>${sprite.noun}</b>
                <label>Size
                  <select @change=${(event: Event) => change({ size: (event.target as HTMLSelectElement).selectedIndex })}>
                    ${world.sizes.map(({ name }, i) => html`<option ?selected=${i === sprite.size}>${name}</option>`)}
                  </select>
                </label>
                ${
                  tintable
                    ? html`<label>Colour
                        <select @change=${(event: Event) => change({ colour: chosen(event) })}>
                          ${world.colours.map((name) => html`<option ?selected=${name === sprite.colour}>${name}</option>`)}
                        </select>
                      </label>`
                    : nothing
                }
                <button @click=${() => change({ flip: !sprite.flip })}>Mirror</button>
                <button @click=${() => this.#remove(selected)}>Remove</button>
                <span class="arrows" role="group" aria-label="Move it">
                  ${Object.entries(ARROWS).map(
                    ([key, { x, y }]) => html`<button
                     
                      aria-label=${key.replace('Arrow', '').toLowerCase()}
                      @click=${() => change({ x: sprite.x + LEAP * x, y: sprite.y + LEAP * y })}
                    >
                      ${{ ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' }[key]}
                    </button>`,
                  )}
                </span>`
            : html`<span class="small soft">Choose a thing in the picture to change it. Arrow keys move it, Delete removes it.</span>`
        }
      </div>
      <p class="small soft" role="status">
        ${scene.sprites.length === 0 ? 'Nothing is in it yet.' : html`In it: ${sceneTruth(world, scene).truth.join(', ')}.`}
        ${scene.sprites.length >= world.mostSprites ? 'No more fit.' : nothing}
      </p>
    `
  }

  #traps(world: SceneWorld) {
    const { trap } = this
    const set = trap === undefined ? undefined : world.traps[trap]
    return html`<div class="traps">
      <label>Set a trap
        <select @change=${(event: Event) => this.#setTrap((event.target as HTMLSelectElement).selectedIndex - 1)}>
          <option ?selected=${trap === undefined}>choose one …</option>
          ${world.traps.map(
            ({ place, trigger, invented }, i) => html`<option ?selected=${i === trap}>
              ${trigger} and no ${invented} (${place})
            </option>`,
          )}
        </select>
      </label>
      <p class="small soft">
        ${
          set
            ? html`There is a ${set.trigger} and no ${set.invented}. The writers of the captions this model learned from often
                named a ${set.invented} wherever they saw a ${set.trigger} there: does it? Not every trap catches it.`
            : 'What often stands together is soon named together, whether or not it is there.'
        }
      </p>
    </div>`
  }

  #palette(world: SceneWorld) {
    const { typical = [], phrase = '' } = world.places.find(({ name }) => name === this.scene.place) ?? {}
    const others = world.nouns.map(({ name }) => name).filter((name) => !typical.includes(name))
    const isFull = this.scene.sprites.length >= world.mostSprites
    const list = (nouns: readonly string[]) =>
      html`<div class="things">${nouns.map(
        (noun) => html`<button
          title=${noun}
          data-noun=${noun}
          aria-label=${`add ${noun}`}
          ?disabled=${isFull}
          style=${this.#image(world, { noun, colour: null, size: 1 })}
          @click=${() => this.#add(noun)}
          @pointerdown=${(event: PointerEvent) => this.#grab(event, noun, undefined)}
          @pointermove=${this.#moved}
          @pointerup=${this.#dropped}
          @pointercancel=${this.#dropped}
        ></button>`,
      )}</div>`
    return html`<div class="palette">
      <h3 class="small soft">Usual ${phrase}</h3>
      ${list(typical)}
      <h3 class="small soft">Surprising there</h3>
      ${list(others)}
    </div>`
  }

  /** What is dragged from the palette, under the pointer. */
  #ghost(world: SceneWorld) {
    const { drag } = this
    if (!drag?.isMoving || drag.index !== undefined) return nothing
    const { cell } = cellOf(world, { noun: drag.noun, colour: null, size: 1 })
    return html`<div
      class="ghost"
      style="${this.#image(world, { noun: drag.noun, colour: null, size: 1 })}; width: ${cell}px; height: ${cell}px;
        left: ${drag.x - cell / 2}px; top: ${drag.y - cell / 2}px"
    ></div>`
  }

  #image(world: SceneWorld, sprite: Pick<Sprite, 'noun' | 'colour' | 'size'>): string {
    const { left, top } = cellOf(world, sprite)
    return `background-image: url(${world.spritesUrl}); background-position: ${-left}px ${-top}px`
  }

  #key(event: KeyboardEvent, index: number): void {
    const { world, scene } = this
    const sprite = scene.sprites[index]
    if (!world || !sprite) return
    const arrow = ARROWS[event.key]
    if (arrow) {
      event.preventDefault()
      const step = event.shiftKey ? LEAP : STEP
      this.#show(
        withChange(world, scene, index, { x: sprite.x + step * arrow.x, y: sprite.y + step * arrow.y }),
      )
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault()
      this.#remove(index)
    } else if (event.key === 'Escape') {
      void this.#focus(`.things [data-noun="${this.#lastAdded}"]`)
    }
  }

  #grab(event: PointerEvent, noun: string, index: number | undefined): void {
    if (event.button !== 0 || !this.world) return
    if (index === undefined && event.pointerType === 'touch') return // it scrolls the page; a tap adds
    const { clientX, clientY, pointerId } = event
    ;(event.currentTarget as HTMLElement).setPointerCapture(pointerId)
    if (index !== undefined) this.selected = index
    this.drag = {
      pointer: pointerId,
      index,
      noun,
      from: { clientX, clientY },
      isMoving: false,
      x: clientX,
      y: clientY,
    }
  }

  readonly #moved = (event: PointerEvent): void => {
    const { drag, world, scene } = this
    if (!drag || drag.pointer !== event.pointerId || !world) return
    const { clientX, clientY } = event
    const far = Math.hypot(clientX - drag.from.clientX, clientY - drag.from.clientY) > DRAG_PX
    this.drag = { ...drag, x: clientX, y: clientY, isMoving: drag.isMoving || far }
    if (!this.drag.isMoving || drag.index === undefined) return
    const at = this.#onStage(event)
    if (at) this.#show(withChange(world, scene, drag.index, at))
  }

  readonly #dropped = (event: PointerEvent): void => {
    const { drag, world, scene } = this
    if (!drag || drag.pointer !== event.pointerId) return
    this.drag = undefined
    if (!world || !drag.isMoving || drag.index !== undefined || event.type !== 'pointerup') return
    this.#hasDragged = true // a click comes with it, which is none
    setTimeout(() => {
      this.#hasDragged = false
    })
    const at = this.#onStage(event)
    if (at && isInside(at, world.imageSize)) this.#added(withSprite(world, scene, drag.noun, at))
  }

  /** A pointer's place in the picture's pixels. */
  #onStage({ clientX, clientY }: PointerEvent): Pick<Sprite, 'x' | 'y'> | undefined {
    const box = this.renderRoot.querySelector('.stage')?.getBoundingClientRect()
    if (!box || !this.world) return undefined
    const scale = this.world.imageSize / box.width
    return { x: (clientX - box.left) * scale, y: (clientY - box.top) * scale }
  }

  #add(noun: string): void {
    if (this.world && !this.#hasDragged) this.#added(withSprite(this.world, this.scene, noun))
  }

  #added(scene: Scene): void {
    if (scene === this.scene) return
    const index = scene.sprites.length - 1
    this.#lastAdded = scene.sprites[index]?.noun ?? ''
    this.selected = index
    this.#show(scene)
    void this.#focus(`.sprite:nth-of-type(${index + 1})`)
  }

  #remove(index: number): void {
    this.selected = undefined
    this.#show(withoutSprite(this.scene, index))
    void this.#focus(this.scene.sprites.length > 0 ? '.sprite' : '.things button')
  }

  #clear(): void {
    this.selected = undefined
    this.#show({ ...this.scene, sprites: [] })
  }

  #setTrap(index: number): void {
    const trap = this.world?.traps[index]
    if (!trap) return
    this.selected = undefined
    this.#show(sceneOfTrap(trap))
    this.trap = index
  }

  async #focus(selector: string): Promise<void> {
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>(selector)?.focus()
  }

  #show(scene: Scene): void {
    this.scene = scene
    this.trap = undefined
    void this.#tell()
  }

  async #tell(): Promise<void> {
    const { world, scene } = this
    if (!world) return
    const number = ++this.#made
    const file = await scenePicture(world, scene)
    if (number !== this.#made) return // it has changed meanwhile
    const detail: MadeScene = { file, truth: sceneTruth(world, scene) }
    this.dispatchEvent(new CustomEvent('scene', { detail }))
  }

  async #load(): Promise<void> {
    if (this.world) return
    try {
      this.world = await loadSceneWorld(this.site)
      this.#setTrap(0)
    } catch (error) {
      this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .beside { display: grid; grid-template-columns: minmax(14rem, 20.5rem) 1fr; gap: 1.5rem; align-items: start; }
      .left { display: flex; flex-direction: column; gap: 0.625rem; }
      .stage { position: relative; overflow: hidden; border-radius: 11px; aspect-ratio: 1; touch-action: none; }
      canvas { display: block; width: 100%; height: 100%; }
      .sprite { position: absolute; padding: 0; border: 2px solid transparent; border-radius: 10px; background: none; cursor: grab; touch-action: none; }
      .sprite:hover:not(:disabled) { border-color: var(--card); }
      .sprite[aria-pressed='true'] { border-color: var(--accent); box-shadow: 0 0 0 1px var(--card); }
      .sprite:active { cursor: grabbing; }
      .hint { position: absolute; inset: auto 0 0.75rem; margin: 0; text-align: center; color: #16181d; font-weight: 600; text-shadow: 0 0 6px #fff, 0 0 6px #fff; pointer-events: none; }
      .tools { gap: 0.5rem; min-height: 2.5rem; }
      .tools label { display: flex; gap: 0.375rem; align-items: center; font-size: 0.875rem; }
      .tools :is(button, select) { padding: 0.1875rem 0.5rem; font-size: 0.875rem; }
      .arrows { display: inline-flex; gap: 0.125rem; }
      .traps { display: flex; flex-wrap: wrap; gap: 0.375rem 1rem; align-items: center; }
      .traps label { display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; align-items: center; max-width: 100%; font-weight: 600; }
      .traps select { max-width: 100%; font-weight: 400; }
      .traps p { flex: 1 1 20rem; line-height: 1.4; }
      .palette h3 { margin: 0 0 0.25rem; font-weight: 400; }
      .palette .things + h3 { margin-top: 0.5rem; }
      .things { display: flex; flex-wrap: wrap; gap: 0.25rem; }
      .things button { width: 45px; height: 45px; padding: 0; border-color: transparent; background-color: transparent; background-origin: border-box; cursor: grab; touch-action: manipulation; }
      .ghost { position: fixed; z-index: 10; pointer-events: none; }
      @media (max-width: 44rem) { .beside { grid-template-columns: 1fr; } }
    `,
  ]
}

function isInside({ x, y }: Pick<Sprite, 'x' | 'y'>, side: number): boolean {
  return x >= 0 && y >= 0 && x <= side && y <= side
}

customElements.define('scene-maker', SceneMaker)
