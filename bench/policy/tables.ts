import type { PolicyReport } from '../page.ts'
import type { Figure } from './figures.ts'

type Find = (section: string, name: string) => Figure

/** Finds a report's figures. @throws {RangeError} where it has not got one. */
function finder({ figures }: PolicyReport): Find {
  return (section, name) => {
    const found = figures.find((figure) => figure.section === section && figure.name === name)
    if (found && Number.isFinite(found.value)) return found
    throw new RangeError(`results: expected the figure "${name}" of ${section}, found none; measure it anew`)
  }
}

/** A step of the trainer beside jax-js. @throws {RangeError} where the report lacks a figure. */
export function stepTable(report: PolicyReport): string {
  const find = finder(report)
  const jaxMs = find('step', 'step, jax-js webgpu').value
  const line = (label: string, name: string, target = ''): string[] => {
    const ms = find('step', `step, ${name}`).value
    const pairs = find('step', `pairs, ${name}`).value
    return [label, digits(ms), digits(pairs), (jaxMs / ms).toFixed(1), target]
  }
  const own = (label: string, name: string): string[] =>
    line(label, `clip-dpo ${name}`, asked(find('step', `times jax-js webgpu, clip-dpo ${name}`)))
  return table(
    ['a step of 4 pairs', 'ms', 'pairs/s', 'times as fast as jax-js on WebGPU', 'asked for'],
    [
      own('unpacked', 'unpacked'),
      own('packed, 1 pair to an image', '1 pair per image'),
      own('2 pairs to an image', '2 pairs per image'),
      own('4 pairs to an image', '4 pairs per image'),
      line('jax-js on WebGPU', 'jax-js webgpu'),
      line('jax-js on WASM', 'jax-js wasm'),
    ],
  )
}

/** What else is measured of the policy. @throws {RangeError} where the report lacks a figure. */
export function policyTable(report: PolicyReport): string {
  const find = finder(report)
  const values = (section: string, ...names: string[]): string =>
    names.map((name) => digits(find(section, name).value)).join(' / ')
  const timesOne = (name: string): string =>
    (find('decode', name).value / find('decode', '1 answer').value).toFixed(1)
  const writing = (name: string, target = ''): string[] => [
    `${name}, tokens/s`,
    `${values('decode', name)} (${timesOne(name)} times one)`,
    target,
  ]
  const many = (name: string): string[] => writing(name, asked(find('decode', `times one, ${name}`)))
  const memory = (label: string, section: string, what: string): string[] => {
    const ratio = find(section, `${what}, planned over used`)
    return [
      `memory of ${label}, MiB: used / planned`,
      `${values(section, `${what}, used`, `${what}, planned`)} (ratio ${ratio.value.toFixed(2)})`,
      asked(ratio),
    ]
  }
  const sameCaptions = (device: string): string => {
    const { value, unit } = find('captions', `transformers.js ${device}, captions like ours`)
    return `${value} ${unit}`
  }
  const aged = find('endurance', 'last over first')
  const grown = find('endurance', 'GPU memory grown')
  return table(
    ['', 'measured', 'asked for'],
    [
      ['measured on', machineOf(report), ''],
      ['forward / forward and backward, tokens/s', values('speed', 'forward', 'forward and backward'), ''],
      ['1 greedy answer, tokens/s', values('decode', '1 answer'), ''],
      writing('4 answers of one image'),
      many('16 answers of one image'),
      many('16 images, an answer each'),
      ['a step of 4 pairs to an image, dispatches', values('step', 'dispatches of a step'), ''],
      memory('training', 'memory', 'training'),
      memory('generating', 'memory', 'generation'),
      ['1,000 steps: time of the last hundred over the first', aged.value.toFixed(2), asked(aged)],
      ['1,000 steps: bytes of GPU memory added', digits(grown.value), asked(grown)],
      [
        'a greedy caption of the embedded LLaVA, ms: of 16 at once / one by one',
        values('captions', 'clip-dpo, all at once', 'clip-dpo, one by one'),
        '',
      ],
      [
        'the same by transformers.js, ms: on WASM / on WebGPU',
        values('captions', 'transformers.js wasm', 'transformers.js webgpu'),
        '',
      ],
      [
        'of its captions as many are word for word ours: on WASM / on WebGPU',
        `${sameCaptions('wasm')} / ${sameCaptions('webgpu')}`,
        '',
      ],
      [
        'SmolVLM-256M’s decoder in f16, s: loading / a step of one pair / eight tokens',
        values('full', 'load in f16', 'step 2, one pair', 'eight tokens'),
        '',
      ],
      memory('training it', 'full', 'training'),
    ],
  )
}

/** What a report was measured on: "SwiftShader Device (Subzero), software, 2 cores, Chrome 156". */
export function machineOf({ adapter, userAgent, cores }: PolicyReport): string {
  const name = adapter.description || `${adapter.vendor} ${adapter.architecture}`
  const [, browser = userAgent] = /(Chrome\/\d+|Firefox\/\d+|Version\/\d+)/.exec(userAgent) ?? []
  const kind = adapter.isSoftware ? 'software' : 'hardware'
  return `${name}, ${kind}, ${cores} cores, ${browser.replace('/', ' ')}`
}

/** What a figure has to be, in words; empty where nothing is asked of it. */
function asked({ target: { atLeast, atMost } = {} }: Figure): string {
  if (atLeast === undefined) return atMost === undefined ? '' : `at most ${atMost}`
  return atMost === undefined ? `at least ${atLeast}` : `${atLeast} to ${atMost}`
}

/** Three digits, more of whole thousands. */
function digits(value: number): string {
  return value < 1000 ? `${Number(value.toPrecision(3))}` : Math.round(value).toLocaleString('en')
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |')
  return [line(head), `|${'---|'.repeat(head.length)}`, ...lines.map(line)].join('\n')
}
