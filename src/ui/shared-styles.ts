import { css } from 'lit'

/** Controls, tables and text as they look everywhere on the page. */
export const sharedStyles = css`
  :host { display: block; }
  [hidden] { display: none !important; }
  *, *::before, *::after { box-sizing: border-box; }
  h2, h3, p { margin: 0; }
  button, select, input, textarea { font: inherit; color: inherit; }
  button {
    padding: 0.4375rem 0.875rem;
    border: 1px solid var(--edge);
    border-radius: 9px;
    background: var(--card);
    cursor: pointer;
  }
  button:hover:not(:disabled) { border-color: var(--accent); }
  button:disabled { opacity: 0.5; cursor: not-allowed; }
  button.primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.primary:hover:not(:disabled) { filter: brightness(1.08); }
  button.quiet { border-color: transparent; background: none; color: var(--accent); padding-inline: 0.375rem; }
  :is(button, a, input, select, textarea, summary, [tabindex]):focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  :where(input:not([type='checkbox'], [type='range'], [type='radio'], [type='file']), select, textarea) {
    padding: 0.375rem 0.625rem;
    border: 1px solid var(--edge);
    border-radius: 9px;
    background: var(--paper);
  }
  input[type='range'] { accent-color: var(--accent); }
  a { color: var(--accent); }
  .soft { color: var(--ink-soft); }
  .small { font-size: 0.875rem; }
  .row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.625rem; }
  .numbers { font-variant-numeric: tabular-nums; }
  .problem { color: var(--bad); }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .file { padding: 0.3125rem 0.75rem; border: 1px solid var(--edge); border-radius: 9px; cursor: pointer; font-size: 0.9375rem; }
  .file:hover { border-color: var(--accent); }
  .file:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
  .bounded { max-height: min(38rem, 80vh); overflow-y: auto; border-block: 1px solid var(--line); }
  summary { cursor: pointer; }
  table { border-collapse: collapse; font-size: 0.9375rem; }
`
