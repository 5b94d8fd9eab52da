import { html, nothing, render, type TemplateResult } from 'lit'
import type { RoundView, RunView } from '../pipeline/run-view.ts'
import { placeText } from './recipe-draft.ts'
import reportStyles from './report.css?inline'
import { keepRun } from './report-data.ts'
import themeStyles from './theme.css?inline'
import { cardsView } from './views/cards.ts'
import { confusionView } from './views/confusion.ts'
import { curvesView } from './views/curves.ts'
import { figuresView, verdictsView } from './views/figures.ts'
import { formatCount, formatPictures } from './views/format.ts'
import { funnelView } from './views/funnel.ts'
import { scoresView } from './views/histogram.ts'
import { objectsView } from './views/objects.ts'
import { pairsView } from './views/pairs.ts'
import { recipeView } from './views/recipe.ts'
import { shownView } from './views/shown.ts'
import { VIEW_STYLES } from './views/styles.ts'
import { timesView } from './views/times.ts'
import { yesNoView } from './views/yes-no.ts'

/** Nothing is fetched and nothing runs, whatever a caption or a file's name says. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

/**
 * A run's results as one HTML document that needs nothing beside it: styles and charts inline, pictures as `data:` addresses,
 * no scripts. It keeps the run as JSON as well (`runOfReport`). Needs a DOM.
 */
export function renderReport(view: RunView): string {
  const name = view.recipe.name
  const page = document.implementation.createHTMLDocument(`clip-dpo: ${name}`)
  page.documentElement.lang = 'en'
  const meta = (attributes: Readonly<Record<string, string>>): void => {
    const element = page.createElement('meta')
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    page.head.prepend(element)
  }
  meta({ name: 'viewport', content: 'width=device-width, initial-scale=1' })
  meta({ name: 'color-scheme', content: 'light dark' })
  meta({ 'http-equiv': 'Content-Security-Policy', content: POLICY })
  meta({ charset: 'utf-8' })
  const style = page.createElement('style')
  style.textContent = [themeStyles, reportStyles, VIEW_STYLES].join('\n')
  page.head.append(style)
  render(reportBody(view), page.body, { creationScope: page })
  removeComments(page.body)
  keepRun(page, view)
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`
}

interface Section {
  readonly id: string
  readonly title: string
  readonly body: TemplateResult
}

function reportBody(view: RunView): TemplateResult {
  const { recipe, summary } = view
  const { adapter } = recipe.evaluate
  const { policy, clip, captioners = [], writer } = summary.modelHashes
  const sections = sectionsOf(view)
  return html`<main>
    <header>
      <h1>CLIP-DPO run “${recipe.name}”</h1>
      ${[recipe.notes ?? []].flat().map((note) => html`<p>${note}</p>`)}
      <p>
        ${formatCount(summary.pairs)} preference pairs from ${formatCount(summary.images.train)} pictures,
        ${formatCount(summary.steps)} optimiser steps; measured on ${formatPictures(summary.images)}${adapter ? `, ${placeText(adapter)}` : ''}.
      </p>
      <nav aria-label="Contents">
        <ul>
          ${sections.map(({ id, title }) => html`<li><a href=${`#${id}`}>${title}</a></li>`)}
        </ul>
      </nav>
    </header>
    ${sections.map(sectionView)}
    <footer>
      <p>
        Recipe ${summary.recipeHash}<br />Policy ${policy}<br />CLIP ${clip}<br />${captioners.map(
          (hash, i) => html`Captioner ${i} ${hash}<br />`,
        )}${writer === undefined ? nothing : html`Writer ${writer}<br />`}Pictures ${summary.datasetHash}
      </p>
    </footer>
  </main>`
}

/** All views of a run one below the other, for a page of its own or within another. */
export function reportView(view: RunView): TemplateResult {
  return html`${sectionsOf(view).map(sectionView)}`
}

function sectionView({ id, title, body }: Section): TemplateResult {
  return html`<section id=${id} aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`}>${title}</h2>
    ${body}
  </section>`
}

function sectionsOf({ recipe, summary, rounds, cards, shown, objects, zeroShot, yesNo }: RunView): Section[] {
  const byRound = (of: (round: RoundView) => TemplateResult): TemplateResult =>
    html`${rounds.map((round) => html`${rounds.length > 1 ? html`<h3>Round ${round.round}</h3>` : nothing} ${of(round)}`)}`
  return [
    {
      id: 'figures',
      title: 'Before and after',
      body: html`${verdictsView(summary.verdicts)} ${figuresView(summary)}`,
    },
    ...(cards.cards.length > 0
      ? [
          { id: 'pictures', title: 'Pictures', body: cardsView(cards) },
          { id: 'objects', title: 'What is invented', body: objectsView(objects) },
        ]
      : []),
    ...shown.map((sample, i) => ({
      id: `shown-${i + 1}`,
      title: 'Pictures that are not judged',
      body: shownView(sample),
    })),
    ...(yesNo.length > 0 ? [{ id: 'questions', title: 'Questions', body: yesNoView(yesNo) }] : []),
    ...(zeroShot ? [{ id: 'zero-shot', title: 'Single objects', body: confusionView(zeroShot) }] : []),
    { id: 'training', title: 'Training', body: byRound(({ metrics }) => curvesView(metrics)) },
    { id: 'scores', title: 'CLIP’s scores', body: byRound(({ scores }) => scoresView(scores)) },
    {
      id: 'funnel',
      title: 'From candidates to pairs',
      body: byRound(({ funnel, round }) => funnelView(funnel, recipe.pair, round)),
    },
    { id: 'pairs', title: 'Preference pairs', body: byRound(({ pairs }) => pairsView(pairs)) },
    { id: 'time', title: 'Time and memory', body: timesView(summary) },
    { id: 'recipe', title: 'Recipe', body: recipeView(recipe) },
  ]
}

/** Lit's marks, which only it needs. */
function removeComments(root: Node): void {
  const walker = root.ownerDocument?.createTreeWalker(root, NodeFilter.SHOW_COMMENT)
  const found: Node[] = []
  while (walker?.nextNode()) found.push(walker.currentNode)
  for (const comment of found) comment.parentNode?.removeChild(comment)
}
