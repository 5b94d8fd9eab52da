import { plot } from '@observablehq/plot'

export type ChartOptions = NonNullable<Parameters<typeof plot>[0]>
export type ChartMark = Extract<NonNullable<ChartOptions['marks']>[number], (...args: never[]) => unknown>

/**
 * Observable Plot's picture as an image with a text alternative; it takes its colours from the page's style and needs no
 * script once it is made.
 * @param label what it shows, for those who do not see it.
 */
export function chart(label: string, options: ChartOptions): SVGSVGElement {
  const made = plot({ ...options, figure: false, className: 'chart' })
  for (const part of made.querySelectorAll('g[aria-label]')) {
    part.setAttribute('data-mark', part.getAttribute('aria-label') ?? '')
    part.removeAttribute('aria-label') // a label needs a role, and the picture as a whole has both
  }
  made.setAttribute('role', 'img')
  made.setAttribute('aria-label', label)
  return made as SVGSVGElement
}

/** A place on the x axis that tells what is there when the pointer is over it. */
export interface HoverZone {
  /** Where it begins, ends, and where its reading stands; in the axis's units. */
  readonly from: number
  readonly to: number
  readonly at: number
  /** Shown in the chart. */
  readonly reading: string
  /** Shown by the browser after a moment: everything. */
  readonly title: string
}

const SVG = 'http://www.w3.org/2000/svg'

/** Strips over the whole height that light up and show a reading under the pointer, by style alone. */
export function hoverZones(zones: readonly HoverZone[]): ChartMark {
  return (_index, { x }, _values, { width, height, marginTop, marginBottom, marginLeft, marginRight }) => {
    const scale = x as unknown as (value: number) => number
    const [left, right, bottom] = [marginLeft, width - marginRight, height - marginBottom]
    const inside = (value: number): number => Math.min(right, Math.max(left, scale(value)))
    const group = element('g', { class: 'zones' })
    for (const { from, to, at, reading, title } of zones) {
      const zone = element('g', { class: 'zone', 'data-at': `${at}` })
      const place = inside(at)
      const anchor = place > (left + right) / 2 ? 'end' : 'start'
      const head = element('title', {})
      head.textContent = title
      const text = element('text', {
        x: `${place + (anchor === 'end' ? -6 : 6)}`,
        y: `${marginTop + 4}`,
        'text-anchor': anchor,
      })
      text.textContent = reading
      const strip = { x: `${inside(from)}`, width: `${Math.max(0, inside(to) - inside(from))}` }
      zone.append(
        head,
        element('rect', { ...strip, y: `${marginTop}`, height: `${bottom - marginTop}` }),
        text,
      )
      group.append(zone)
    }
    return group
  }
}

function element(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}
