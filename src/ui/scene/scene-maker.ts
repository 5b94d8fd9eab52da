import { css, html, LitElement, type PropertyValues } from 'lit'
import { plainProblem } from '../problems.ts'
import { sharedStyles } from '../shared-styles.ts'
import { Dragging } from './dragging.ts'
import { drawScene, scenePicture } from './drawing.ts'
import { ghostView, paletteStyles, paletteView } from './palette.ts'
import { emptyScene, type Scene, sceneTruth, withChange, withoutSprite, withSprite } from './scene.ts'
import { stageStyles, stageView } from './stage.ts'
import { sceneTools, spriteTools, toolStyles } from './tools.ts'
import { trapChoice, trapStyles } from './trap-choice.ts'
import { TRAPS } from './traps.ts'
import { loadSceneWorld, type SceneWorld, type Sprite } from './world.ts'

/** A scene's picture, and what is known to be in it. */
export interface MadeScene {
  readonly file: File
  readonly truth: ReturnType<typeof sceneTruth>
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
    trap: { state: true },
    problem: { state: true },
  }
  /** Address of the page, where the emojis lie. */
  declare site: string
  declare world: SceneWorld | undefined
  declare scene: Scene
  /** Number of the thing that keys and buttons are for. */
  declare selected: number | undefined
  /** Number of the trap that is set. */
  declare trap: number | undefined
  declare problem: string | undefined
  #made = 0
  /** What was added last: Escape goes back to it among the things. */
  #lastAdded = ''
  readonly #dragging = new Dragging({
    place: (event) => this.#place(event),
    moved: (index, at) => this.#change(index, at),
    dropped: (noun, at) => this.#drop(noun, at),
    changed: () => this.requestUpdate(),
  })

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
    const { world, scene, selected, problem } = this
    if (problem) return html`<p class="problem" role="alert">${problem}</p><slot></slot>`
    if (!world) return html`<p class="soft">Fetching the things to draw with …</p><slot></slot>`
    const { move, drop } = this.#dragging
    return html`
      ${trapChoice(TRAPS.traps, this.trap, (index) => this.#setTrap(index))}
      <div class="beside">
        <div class="left">
          ${stageView(world, scene, selected, {
            select: (index) => {
              this.selected = index
            },
            change: (index, change) => {
              const now = this.scene.sprites[index]
              if (now) this.#change(index, change(now))
            },
            remove: (index) => this.#remove(index),
            leave: () => void this.#focus(`.things [data-noun="${this.#lastAdded}"]`),
            grab: (event, index) => this.#grab(event, index),
            move,
            drop,
          })}
          ${sceneTools(world, scene, {
            setting: (change) => this.#show({ ...this.scene, ...change }),
            clear: () => this.#clear(),
          })}
          ${spriteTools(world, selected === undefined ? undefined : scene.sprites[selected], {
            change: (change) => selected !== undefined && this.#change(selected, change),
            remove: () => selected !== undefined && this.#remove(selected),
          })}
          <p class="small soft" role="status">
            ${scene.sprites.length === 0 ? 'Nothing is in it yet.' : `In it: ${sceneTruth(world, scene).truth.join(', ')}.`}
            ${scene.sprites.length >= world.mostSprites ? 'No more fit.' : ''}
          </p>
        </div>
        <slot></slot>
      </div>
      ${paletteView(world, scene, {
        add: (noun) => {
          if (!this.#dragging.hasDragged) this.#added(withSprite(world, this.scene, noun))
        },
        grab: (event, noun) => this.#dragging.grab(event, noun, undefined),
        move,
        drop,
      })}
      ${ghostView(world, this.#dragging.ghost)}
    `
  }

  #grab(event: PointerEvent, index: number): void {
    const noun = this.scene.sprites[index]?.noun ?? ''
    if (this.#dragging.grab(event, noun, index)) this.selected = index
  }

  #place({ clientX, clientY }: PointerEvent): Pick<Sprite, 'x' | 'y'> | undefined {
    const box = this.renderRoot.querySelector('.stage')?.getBoundingClientRect()
    if (!box || !this.world) return undefined
    const scale = this.world.imageSize / box.width
    return { x: (clientX - box.left) * scale, y: (clientY - box.top) * scale }
  }

  /** What is let go beside the picture does not come into it. */
  #drop(noun: string, at: Pick<Sprite, 'x' | 'y'>): void {
    const { world } = this
    const isInside = world && [at.x, at.y].every((value) => value >= 0 && value <= world.imageSize)
    if (isInside) this.#added(withSprite(world, this.scene, noun, at))
  }

  #added(scene: Scene): void {
    if (scene === this.scene) return
    const index = scene.sprites.length - 1
    this.#lastAdded = scene.sprites[index]?.noun ?? ''
    this.selected = index
    this.#show(scene)
    void this.#focus(`.sprite:nth-of-type(${index + 1})`)
  }

  #change(index: number, change: Partial<Sprite>): void {
    if (this.world) this.#show(withChange(this.world, this.scene, index, change))
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
    const trap = TRAPS.traps[index]
    if (!trap) return
    const { place, variant, sprites } = trap
    this.selected = undefined
    this.#show({ place, variant, sprites })
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
    trapStyles,
    stageStyles,
    toolStyles,
    paletteStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .beside { display: grid; grid-template-columns: minmax(14rem, 20.5rem) 1fr; gap: 1.5rem; align-items: start; }
      .left { display: flex; flex-direction: column; gap: 0.625rem; }
      @media (max-width: 44rem) { .beside { grid-template-columns: 1fr; } }
    `,
  ]
}

customElements.define('scene-maker', SceneMaker)
