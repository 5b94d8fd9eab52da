import { css, html, LitElement } from 'lit'
import picture from './how-it-works.webp'
import { sharedStyles } from './shared-styles.ts'

/** `<how-it-works>`: what a run does, in three steps, on one picture of the embedded data set. */
export class HowItWorks extends LitElement {
  override render() {
    return html`<ol>
      <li>
        <h3>A model describes pictures</h3>
        <div class="shown said">
          <img src=${picture} width="96" height="96" alt="A cup in a kitchen" />
          <p>“A kitchen with a cup and a <del>spoon</del>.”</p>
        </div>
        <p>
          It describes each picture several times. Where there is a cup it expects a spoon, and names one that is not there.
        </p>
      </li>
      <li>
        <h3>Another model compares</h3>
        <ul class="shown">
          <li><span>“A cup in a kitchen.”</span><i class="good" style="width: 88%"></i></li>
          <li><span>“A spoon is below a cup.”</span><i class="bad" style="width: 23%"></i></li>
        </ul>
        <p>CLIP, which sees picture and text together, tells how well each description fits. Nobody has to label anything.</p>
      </li>
      <li>
        <h3>The first learns from that</h3>
        <div class="shown said">
          <img src=${picture} width="96" height="96" alt="" />
          <p>“A kitchen with a <ins>cup</ins>.”</p>
        </div>
        <p>
          Training moves it towards the descriptions that fit. Then it is tested on pictures that it has never seen.
        </p>
      </li>
    </ol>`
  }

  static override styles = [
    sharedStyles,
    css`
      ol, ul { margin: 0; padding: 0; list-style: none; }
      ol { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem 2rem; counter-reset: step; }
      ol > li { display: grid; grid-row: span 3; grid-template-rows: subgrid; counter-increment: step; }
      h3 { font-size: 1rem; }
      h3::before { content: counter(step) '. '; color: var(--ink-soft); }
      ol > li > p { font-size: 0.9375rem; line-height: 1.45; color: var(--ink-soft); text-wrap: pretty; }
      .shown { align-content: center; min-height: 6rem; padding: 0.5rem; border-radius: 11px; background: var(--paper); line-height: 1.4; }
      .said { display: grid; grid-template-columns: 5rem 1fr; gap: 0.75rem; align-items: center; }
      img { display: block; width: 100%; height: auto; border-radius: 8px; }
      .shown li + li { margin-top: 0.625rem; }
      .shown li { padding: 0 0.375rem; }
      i { display: block; height: 0.375rem; margin-top: 0.25rem; border-radius: 1rem; }
      i.good { background: var(--good); }
      i.bad { background: var(--bad); }
      del { color: var(--bad); font-weight: 600; text-decoration-thickness: 2px; }
      ins { color: var(--good); text-decoration-thickness: 2px; text-underline-offset: 0.2em; }
      @media (max-width: 50rem) {
        ol { grid-template-columns: 1fr; }
        ol > li { margin-bottom: 0.75rem; }
        .shown { min-height: 0; }
      }
    `,
  ]
}

customElements.define('how-it-works', HowItWorks)
