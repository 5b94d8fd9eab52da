import { axisX, axisY, cell, text } from '@observablehq/plot'
import { html, nothing, type TemplateResult } from 'lit'
import type { RunView } from '../../pipeline/run-view.ts'
import { chart } from './chart.ts'
import { formatCount } from './format.ts'

type ZeroShot = NonNullable<RunView['zeroShot']>

/** Classes a heat map shows; of more, those that are mixed up most. */
const MOST_CLASSES = 24
const MOST_MIX_UPS = 8

interface Count {
  readonly truth: string
  readonly nearest: string
  readonly count: number
  /** Of the pictures of the true class. */
  readonly share: number
}

/** What single objects were taken for after training, as a heat map, and the worst mix-ups in words. */
export function confusionView({ classes, confusion, images }: ZeroShot): TemplateResult {
  const counts = confusion.flatMap((row, i): Count[] => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.flatMap((count, j): Count[] =>
      count === 0
        ? []
        : [{ truth: classes[i] ?? '', nearest: classes[j] ?? '', count, share: count / total }],
    )
  })
  const mixUps = counts
    .filter(({ truth, nearest }) => truth !== nearest)
    .sort((a, b) => b.count - a.count || b.share - a.share || (a.truth < b.truth ? -1 : 1))
  const shown = shownClasses(classes, mixUps)
  const wrong = mixUps.reduce((sum, { count }) => sum + count, 0)
  return html`<figure class="confusion">
    <figcaption>
      <p class="title">What single objects are taken for, after training</p>
      <p class="note">
        ${formatCount(images)} pictures, ${formatCount(wrong)} named wrongly.
        ${shown.length < classes.length ? ` Shown are the ${shown.length} of ${classes.length} things mixed up most.` : ''}
      </p>
    </figcaption>
    <div class="scroll" tabindex="0" role="region" aria-label="Heat map">${heatMap(counts, shown, wrong)}</div>
    ${
      mixUps.length === 0
        ? nothing
        : html`<p>Most common mix-ups:</p>
            <ul>
              ${mixUps
                .slice(0, MOST_MIX_UPS)
                .map(({ truth, nearest, count }) => html`<li>${truth} taken for ${nearest}: ${count}×</li>`)}
            </ul>`
    }
  </figure>`
}

/** All, or those with most pictures on the wrong side of them, in their own order. */
function shownClasses(classes: readonly string[], mixUps: readonly Count[]): string[] {
  if (classes.length <= MOST_CLASSES) return [...classes]
  const wrong = new Map<string, number>()
  for (const { truth, nearest, count } of mixUps)
    for (const name of [truth, nearest]) wrong.set(name, (wrong.get(name) ?? 0) + count)
  const order = [...classes].sort((a, b) => (wrong.get(b) ?? 0) - (wrong.get(a) ?? 0))
  const kept = new Set(order.slice(0, MOST_CLASSES))
  return classes.filter((name) => kept.has(name))
}

function heatMap(counts: readonly Count[], shown: readonly string[], wrong: number): SVGSVGElement {
  const cells = counts.filter(({ truth, nearest }) => shown.includes(truth) && shown.includes(nearest))
  const side = 90 + shown.length * 22
  const place = { x: 'nearest', y: 'truth' } as const
  return chart(
    `Heat map of ${shown.length} things by what they were taken for; ${wrong} pictures off its diagonal`,
    {
      width: side,
      height: side,
      marginLeft: 84,
      marginBottom: 84,
      marginTop: 4,
      marginRight: 4,
      padding: 0.06,
      x: { domain: shown },
      y: { domain: shown },
      marks: [
        axisX({ label: 'taken for', tickRotate: -50, tickSize: 0 }),
        axisY({ label: 'shows', tickSize: 0 }),
        cell(cells, {
          ...place,
          fill: ({ truth, nearest }: Count) => (truth === nearest ? 'var(--good)' : 'var(--bad)'),
          fillOpacity: ({ share }: Count) => 0.1 + 0.45 * share, // pale enough for the count before it
          title: ({ truth, nearest, count }: Count) => `${truth} taken for ${nearest}: ${count}×`,
        }),
        text(cells, { ...place, text: 'count', fill: 'var(--ink)', fontWeight: 600, pointerEvents: 'none' }),
      ],
      color: { type: 'identity' },
    },
  )
}
