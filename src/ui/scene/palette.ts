import { css, html, nothing, type TemplateResult } from 'lit'
import type { Drag } from './dragging.ts'
import { cellOf } from './drawing.ts'
import type { Scene } from './scene.ts'
import type { SceneWorld } from './world.ts'

/** Side of an emoji that may be chosen, in CSS pixels. */
const SIDE = 38

export interface PaletteActions {
  add(noun: string): void
  grab(event: PointerEvent, noun: string): void
  move(event: PointerEvent): void
  drop(event: PointerEvent): void
}

/** All things there are, those that are usual in the scene's place first. */
export function paletteView(
  world: SceneWorld,
  { place, sprites }: Scene,
  actions: PaletteActions,
): TemplateResult {
  const { typical = [], phrase = '' } = world.places.find(({ name }) => name === place) ?? {}
  const others = world.nouns.map(({ name }) => name).filter((name) => !typical.includes(name))
  const isFull = sprites.length >= world.mostSprites
  const list = (nouns: readonly string[]) =>
    html`<div class="things">${nouns.map(
      (noun) => html`<button
        title=${noun}
        data-noun=${noun}
        aria-label=${`add ${noun}`}
        ?disabled=${isFull}
        @click=${() => actions.add(noun)}
        @pointerdown=${(event: PointerEvent) => actions.grab(event, noun)}
        @pointermove=${actions.move}
        @pointerup=${actions.drop}
        @pointercancel=${actions.drop}
      ><span class="emoji" style=${emojiStyle(world, noun)}></span></button>`,
    )}</div>`
  return html`<div class="palette">
    <h3 class="small soft">Usual ${phrase}</h3>
    ${list(typical)}
    <h3 class="small soft">Surprising there</h3>
    ${list(others)}
  </div>`
}

/** What is dragged from the palette, under the pointer. */
export function ghostView(world: SceneWorld, drag: Drag | undefined): TemplateResult | typeof nothing {
  if (!drag) return nothing
  return html`<span
    class="emoji ghost"
    style="${emojiStyle(world, drag.noun)}; left: ${drag.x - SIDE / 2}px; top: ${drag.y - SIDE / 2}px"
  ></span>`
}

function emojiStyle(world: SceneWorld, noun: string): string {
  const { left, top } = cellOf(world, { noun, colour: null })
  const scale = SIDE / world.cell
  return `background: url(${world.spritesUrl}) ${-left * scale}px ${-top * scale}px / ${world.columns * SIDE}px auto`
}

export const paletteStyles = css`
  .palette h3 { margin: 0 0 0.25rem; font-weight: 400; }
  .palette .things + h3 { margin-top: 0.5rem; }
  .things { display: flex; flex-wrap: wrap; gap: 0.125rem; }
  .things button { padding: 0.1875rem; border-color: transparent; background: none; cursor: grab; touch-action: manipulation; }
  .emoji { display: block; width: 38px; height: 38px; pointer-events: none; }
  .ghost { position: fixed; z-index: 10; }
`
