import type { Sprite } from './world.ts'

/** How far a pointer goes before a click becomes a drag, in CSS pixels. */
const DRAG_PX = 5

/** A thing that is being dragged. */
export interface Drag {
  readonly pointer: number
  /** Number of the thing in the scene; undefined for a new one. */
  readonly index: number | undefined
  readonly noun: string
  readonly from: Pick<PointerEvent, 'clientX' | 'clientY'>
  readonly isMoving: boolean
  /** Where the pointer is, in CSS pixels. */
  readonly x: number
  readonly y: number
}

export interface DragTarget {
  /** A pointer's place in the picture's pixels; undefined where there is no picture. */
  place(event: PointerEvent): Pick<Sprite, 'x' | 'y'> | undefined
  /** A thing of the scene is held at a place. */
  moved(index: number, at: Pick<Sprite, 'x' | 'y'>): void
  /** A new thing was let go at a place. */
  dropped(noun: string, at: Pick<Sprite, 'x' | 'y'>): void
  /** Something is to be drawn anew. */
  changed(): void
}

/** Drags things of a scene about, and new ones into it. */
export class Dragging {
  readonly #target: DragTarget
  #drag: Drag | undefined
  #hasDragged = false

  constructor(target: DragTarget) {
    this.#target = target
  }

  /** What is being dragged from outside the scene, once it has moved. */
  get ghost(): Drag | undefined {
    return this.#drag?.isMoving && this.#drag.index === undefined ? this.#drag : undefined
  }

  /** Whether the click that is heard now comes with the end of a drag, and is none. */
  get hasDragged(): boolean {
    return this.#hasDragged
  }

  /** @param index of a thing of the scene; undefined for a new one. @returns whether a drag may begin. */
  grab(event: PointerEvent, noun: string, index: number | undefined): boolean {
    if (event.button !== 0) return false
    if (index === undefined && event.pointerType === 'touch') return false // it scrolls the page; a tap adds
    const { clientX, clientY, pointerId } = event
    ;(event.currentTarget as HTMLElement).setPointerCapture(pointerId)
    this.#drag = {
      pointer: pointerId,
      index,
      noun,
      from: { clientX, clientY },
      isMoving: false,
      x: clientX,
      y: clientY,
    }
    return true
  }

  readonly move = (event: PointerEvent): void => {
    const drag = this.#drag
    if (drag?.pointer !== event.pointerId) return
    const { clientX, clientY } = event
    const far = Math.hypot(clientX - drag.from.clientX, clientY - drag.from.clientY) > DRAG_PX
    this.#drag = { ...drag, x: clientX, y: clientY, isMoving: drag.isMoving || far }
    this.#target.changed()
    const at = this.#drag.isMoving && drag.index !== undefined ? this.#target.place(event) : undefined
    if (at && drag.index !== undefined) this.#target.moved(drag.index, at)
  }

  readonly drop = (event: PointerEvent): void => {
    const drag = this.#drag
    if (drag?.pointer !== event.pointerId) return
    this.#drag = undefined
    this.#target.changed()
    if (!drag.isMoving || drag.index !== undefined || event.type !== 'pointerup') return
    this.#hasDragged = true
    setTimeout(() => {
      this.#hasDragged = false
    })
    const at = this.#target.place(event)
    if (at) this.#target.dropped(drag.noun, at)
  }
}
