import { css, html, nothing, type TemplateResult } from 'lit'
import { live } from 'lit/directives/live.js'
import type { Scene } from './scene.ts'
import { ARROWS, LEAP, turned } from './stage.ts'
import type { Description, Sprite } from './world.ts'

export interface ToolActions {
  /** Another place or background. */
  setting(change: Partial<Pick<Scene, 'place' | 'variant'>>): void
  clear(): void
  /** Changes what is chosen. */
  change(change: Partial<Sprite>): void
  remove(): void
}

const chosen = (event: Event): string => (event.target as HTMLSelectElement).value

/** Buttons for the scene: its place, and nothing in it. */
export function sceneTools(
  { places, variants }: Description,
  { place, variant, sprites }: Scene,
  actions: Pick<ToolActions, 'setting' | 'clear'>,
): TemplateResult {
  return html`<div class="row tools">
    <label>Place
      <select @change=${(event: Event) => actions.setting({ place: chosen(event), variant: 0 })}>
        ${places.map(({ name }) => html`<option .selected=${live(name === place)}>${name}</option>`)}
      </select>
    </label>
    <button @click=${() => actions.setting({ variant: (variant + 1) % variants })}>Another view</button>
    <button ?disabled=${sprites.length === 0} @click=${() => actions.clear()}>Clear</button>
  </div>`
}

/** Buttons for the thing that is chosen. */
export function spriteTools(
  world: Description,
  sprite: Sprite | undefined,
  actions: Pick<ToolActions, 'change' | 'remove'>,
): TemplateResult {
  return html`<div class="row tools" role="group" aria-label="What is chosen">
    ${
      sprite
        ? changesOf(world, sprite, actions)
        : html`<span class="small soft">
            Choose a thing in the picture to change it. Keys: arrows move it, + and − size it, [ and ] turn it, Delete removes it.
          </span>`
    }
  </div>`
}

function changesOf(
  world: Description,
  sprite: Sprite,
  { change, remove }: Pick<ToolActions, 'change' | 'remove'>,
): TemplateResult {
  const { sizes, angles, colours, nouns } = world
  const { noun, colour, size, angle, flip } = sprite
  const isTintable = nouns.find(({ name }) => name === noun)?.isTintable
  return html`<b>${noun}</b>
    <label>Size
      <select @change=${(event: Event) => change({ size: (event.target as HTMLSelectElement).selectedIndex })}>
        ${sizes.map(({ name }, i) => html`<option .selected=${live(i === size)}>${name}</option>`)}
      </select>
    </label>
    ${
      isTintable
        ? html`<label>Colour
            <select @change=${(event: Event) => change({ colour: chosen(event) })}>
              ${colours.map((name) => html`<option .selected=${live(name === colour)}>${name}</option>`)}
            </select>
          </label>`
        : nothing
    }
    <span class="joined" role="group" aria-label="Turn it">
      <button aria-label="turn left" title="Turn left" ?disabled=${angle === angles.length - 1} @click=${() => change(turned(world, sprite, 1))}>↺</button>
      <button aria-label="turn right" title="Turn right" ?disabled=${angle === 0} @click=${() => change(turned(world, sprite, -1))}>↻</button>
    </span>
    <span class="joined" role="group" aria-label="Move it">
      ${Object.entries(ARROWS).map(
        ([key, { x, y }]) => html`<button
          aria-label=${key.replace('Arrow', '').toLowerCase()}
          @click=${() => change({ x: sprite.x + LEAP * x, y: sprite.y + LEAP * y })}
        >${{ ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' }[key]}</button>`,
      )}
    </span>
    <button @click=${() => change({ flip: !flip })}>Mirror</button>
    <button @click=${() => remove()}>Remove</button>`
}

export const toolStyles = css`
  .tools { gap: 0.375rem 0.5rem; min-height: 2rem; }
  .tools label { display: flex; gap: 0.375rem; align-items: center; font-size: 0.875rem; }
  .tools :is(button, select) { padding: 0.1875rem 0.5rem; font-size: 0.875rem; }
  .joined { display: inline-flex; gap: 0.125rem; }
`
