import { html, nothing, type TemplateResult } from 'lit'
import { formatBytes } from '../../gpu/doctor.ts'
import type { RunSummary } from '../../pipeline/summary.ts'
import { formatSeconds } from './format.ts'

/** Time and most GPU memory of every stage, and what the policy ran on. */
export function timesView({ stages, device }: Pick<RunSummary, 'stages' | 'device'>): TemplateResult {
  const rows = Object.entries(stages)
  const longest = Math.max(1e-9, ...rows.map(([, { seconds }]) => seconds))
  const total = rows.reduce((sum, [, { seconds }]) => sum + seconds, 0)
  const where = device && [device.vendor, device.architecture].filter(Boolean).join(' ')
  return html`
    <div class="times scroll" tabindex="0" role="region" aria-label="Time and memory">
      <table>
        <caption>
          ${formatSeconds(total)} in all${where ? ` on ${where}${device.isSoftware ? ', in software' : ''}` : ''}; of a stage kept
          from before, what it took then
        </caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Time</th>
            <th scope="col" class="number">Most GPU memory</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ([stage, { seconds, peakGpuBytes }]) => html`<tr>
              <th scope="row">${stage}</th>
              <td>
                <span class="rate"
                  ><span class="bar" aria-hidden="true"
                    ><span class="after" style=${`width: ${((100 * seconds) / longest).toFixed(1)}%`}></span></span
                  ><span>${formatSeconds(seconds)}</span></span
                >
              </td>
              <td class="number">${peakGpuBytes === undefined ? nothing : formatBytes(peakGpuBytes)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `
}
