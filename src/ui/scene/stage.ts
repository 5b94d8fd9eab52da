import { css, html, nothing, type TemplateResult } from 'lit'
import { type Scene, spriteName } from './scene.ts'
import type { Description, Sprite } from './world.ts'

/** Steps of the arrow keys, in the picture's pixels. */
const STEP = 2
export const LEAP = 8

export const ARROWS: Readonly<Record<string, Pick<Sprite, 'x' | 'y'>>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
}

export interface StageActions {
  select(index: number): void
  /** Changes a thing as it is by now: keys may come faster than it is drawn. */
  change(index: number, change: (sprite: Sprite) => Partial<Sprite>): void
  remove(index: number): void
  /** Goes back to where things are chosen. */
  leave(): void
  grab(event: PointerEvent, index: number): void
  move(event: PointerEvent): void
  drop(event: PointerEvent): void
}

/** The picture, with a button over each thing: keys change the one that has the focus. */
export function stageView(
  world: Description,
  { sprites }: Scene,
  selected: number | undefined,
  actions: StageActions,
): TemplateResult {
  const { imageSize } = world
  const share = (pixels: number): string => `${((100 * pixels) / imageSize).toFixed(3)}%`
  return html`<div class="stage" role="group" aria-label="The picture">
    <canvas width=${imageSize} height=${imageSize} aria-hidden="true"></canvas>
    ${sprites.map((sprite, i) => {
      const side = world.sizes[sprite.size]?.side ?? 0
      return html`<button
        class="sprite"
        style="left: ${share(sprite.x - side / 2)}; top: ${share(sprite.y - side / 2)}; width: ${share(side)}; height: ${share(side)}"
        aria-label=${spriteName(world, sprite)}
        aria-pressed=${i === selected}
        aria-keyshortcuts="ArrowLeft ArrowRight ArrowUp ArrowDown + - [ ] Delete"
        @focus=${() => actions.select(i)}
        @keydown=${(event: KeyboardEvent) => pressed(event, world, i, actions)}
        @pointerdown=${(event: PointerEvent) => actions.grab(event, i)}
        @pointermove=${actions.move}
        @pointerup=${actions.drop}
        @pointercancel=${actions.drop}
      ></button>`
    })}
    ${sprites.length === 0 ? html`<p class="hint">Drag things here, or click them.</p>` : nothing}
  </div>`
}

function pressed(event: KeyboardEvent, world: Description, index: number, actions: StageActions): void {
  const { key, shiftKey } = event
  const change = arrowChange(key, shiftKey ? LEAP : STEP) ?? keyChange(key, world)
  if (change) actions.change(index, change)
  else if (key === 'Delete' || key === 'Backspace') actions.remove(index)
  else if (key === 'Escape') actions.leave()
  else return
  event.preventDefault()
}

function arrowChange(key: string, step: number): ((sprite: Sprite) => Partial<Sprite>) | undefined {
  const arrow = ARROWS[key]
  return arrow && (({ x, y }) => ({ x: x + step * arrow.x, y: y + step * arrow.y }))
}

function keyChange(key: string, world: Description): ((sprite: Sprite) => Partial<Sprite>) | undefined {
  if (key === '+' || key === '-') return (sprite) => resized(world, sprite, key === '+' ? 1 : -1)
  return key === '[' || key === ']' ? (sprite) => turned(world, sprite, key === '[' ? 1 : -1) : undefined
}

/** One size larger (1) or smaller (-1); as it is where there is none. */
function resized({ sizes }: Description, { size }: Sprite, by: 1 | -1): Pick<Sprite, 'size'> {
  return { size: Math.min(sizes.length - 1, Math.max(0, size + by)) }
}

/** One turn to the left (1) or to the right (-1); as it is where there is none. */
export function turned({ angles }: Description, { angle }: Sprite, by: 1 | -1): Pick<Sprite, 'angle'> {
  return { angle: Math.min(angles.length - 1, Math.max(0, angle + by)) }
}

export const stageStyles = css`
  .stage { position: relative; overflow: hidden; border-radius: 11px; aspect-ratio: 1; touch-action: none; }
  canvas { display: block; width: 100%; height: 100%; }
  .sprite { position: absolute; padding: 0; border: 2px solid transparent; border-radius: 10px; background: none; cursor: grab; touch-action: none; }
  .sprite:hover:not(:disabled) { border-color: #fff; }
  .sprite[aria-pressed='true'] { border-color: var(--accent); box-shadow: 0 0 0 2px #fff; }
  .sprite:active { cursor: grabbing; }
  .hint { position: absolute; inset: auto 0 0.75rem; margin: 0; text-align: center; color: #16181d; font-weight: 600; text-shadow: 0 0 6px #fff, 0 0 6px #fff; pointer-events: none; }
`
