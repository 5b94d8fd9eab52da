import { css, html, LitElement, nothing } from 'lit'
import { type Diagnosis, diagnose } from '../gpu/doctor.ts'
import { detailRows } from './doctor-rows.ts'

const MARKS = { ready: '✓', slow: '!', blocked: '×' } as const

/** `<doctor-card>`: looks at this browser's WebGPU once and shows what it found. */
export class DoctorCard extends LitElement {
  static override properties = { diagnosis: { state: true } }
  declare diagnosis: Diagnosis | undefined
  /** The diagnosis, once there is one; headless callers wait for it. */
  readonly finished: Promise<Diagnosis>

  constructor() {
    super()
    this.finished = diagnose().then((diagnosis) => {
      this.diagnosis = diagnosis
      return diagnosis
    })
  }

  override render() {
    const { diagnosis } = this
    if (!diagnosis)
      return html`<section role="status" aria-busy="true"><h2>Looking at your GPU …</h2></section>`
    const { level, headline, notes } = diagnosis.verdict
    // Where all is well, what could be better can wait to be asked for.
    const [first, ...others] = level === 'ready' ? [undefined, ...notes] : notes
    return html`
      <section>
        <div role="status">
          <h2 class=${level}><span class="mark" aria-hidden="true">${MARKS[level]}</span>${headline}</h2>
          ${first === undefined ? nothing : html`<p>${first}</p>`}
        </div>
        <details ?open=${level === 'blocked'}>
          <summary>More about this computer</summary>
          ${others.length === 0 ? nothing : html`<ul>${others.map((note) => html`<li>${note}</li>`)}</ul>`}
          <table aria-label="What was found">
            <tbody>
              ${detailRows(diagnosis).map(
                ({ name, value }) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
              )}
            </tbody>
          </table>
        </details>
      </section>
    `
  }

  static override styles = css`
    :host { display: block; }
    section {
      display: flex;
      flex-wrap: wrap;
      gap: 0.25rem 1rem;
      align-items: baseline;
      padding: 0.625rem 1.5rem;
      background: var(--card);
      border: 1px solid var(--line);
      border-radius: 14px;
      font-size: 0.9375rem;
      line-height: 1.45;
    }
    div { flex: 1 1 20rem; }
    h2 {
      display: flex;
      gap: 0.625rem;
      align-items: center;
      margin: 0;
      font-size: 1rem;
    }
    .mark {
      display: grid;
      place-items: center;
      flex: none;
      width: 1.25rem;
      height: 1.25rem;
      border-radius: 50%;
      color: var(--card);
      font-size: 0.75rem;
    }
    .ready .mark { background: var(--good); }
    .slow .mark { background: var(--slow); }
    .blocked .mark { background: var(--bad); }
    .blocked { font-size: 1.25rem; }
    p {
      margin: 0.125rem 0 0 1.875rem;
      color: var(--ink-soft);
      text-wrap: pretty;
    }
    details[open] { flex-basis: 100%; }
    ul {
      margin: 0.75rem 0 0;
      padding-left: 1.25rem;
    }
    li {
      margin: 0.375rem 0;
      text-wrap: pretty;
    }
    table {
      width: 100%;
      margin-top: 0.75rem;
      border-collapse: collapse;
    }
    summary {
      width: fit-content;
      color: var(--accent);
      cursor: pointer;
    }
    summary:focus-visible {
      outline: 2px solid var(--accent);
      outline-offset: 2px;
    }
    th,
    td {
      padding: 0.5rem 0;
      border-top: 1px solid var(--line);
      text-align: left;
      vertical-align: top;
      overflow-wrap: anywhere;
    }
    th {
      width: 13rem;
      padding-right: 1rem;
      font-weight: 400;
      color: var(--ink-soft);
    }
    @media (max-width: 30rem) {
      section { padding-inline: 1rem; }
      th { width: 9rem; }
    }
  `
}

customElements.define('doctor-card', DoctorCard)
