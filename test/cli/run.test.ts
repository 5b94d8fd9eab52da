import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideBrowser } from '../../src/cli/browser.ts'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { judged } from '../support/evaluation.ts'
import { clipDpo, type Ended } from '../support/program.ts'

const TINY = 'recipes/tiny.json'

let folder: string
const at = (...names: string[]): string => join(folder, ...names)
const summaryOf = (out: string): RunSummary =>
  JSON.parse(readFileSync(at(out, 'summary.json'), 'utf8')) as RunSummary
const lines = (...names: string[]): Record<string, unknown>[] =>
  readFileSync(at(...names), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What must be the same however often a run was broken off: every file but the times in the summary. */
function results(out: string): Record<string, string> {
  const files = readdirSync(at(out), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.browser'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(summary\.json|report\.html)$/.test(path))
  const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  const { stages: _, device: __, ...summary } = summaryOf(out)
  return {
    ...Object.fromEntries(files.map((path) => [path.slice(at(out).length), hash(path)])),
    summary: JSON.stringify(summary),
  }
}

let whole: Ended

beforeAll(async () => {
  provideBrowser()
  folder = mkdtempSync(join(tmpdir(), 'run-'))
  whole = await clipDpo(['run', TINY, '--out', at('whole')])
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true }))

describe('the tiny recipe from the command line', () => {
  test('runs all stages, and shows funnel, figures, examples, times and files', () => {
    expect(whole.stderr).toMatch(/evaluate: done in/)
    expect(whole.code).toBe(0)
    for (const part of ['Funnel: ', 'CHAIR', 'control C', 'before: ', 'Time', 'summary.json'])
      expect(whole.stdout).toContain(part)
    for (const stage of ['dataset train', 'caption', 'score', 'pair', 'train', 'evaluate after'])
      expect(whole.stderr).toMatch(new RegExp(`^${stage}: done in`, 'm'))
  })

  test('writes what every stage made, in TRL’s and PEFT’s forms', () => {
    const [caption] = lines('whole', 'captions.jsonl')
    expect(Object.keys(caption ?? {})).toEqual(
      expect.arrayContaining([
        'image',
        'imageHash',
        'prompt',
        'promptId',
        'generator',
        'candidate',
        'seed',
        'text',
        'numTokens',
        'finishReason',
      ]),
    )
    const pairs = lines('whole', 'pairs.jsonl')
    for (const { images, prompt, chosen, rejected, gap } of pairs) {
      expect(existsSync(at('whole', (images as string[])[0] ?? ''))).toBe(true)
      expect(prompt).toMatchObject([{ role: 'user' }])
      expect(chosen).toMatchObject([{ role: 'assistant' }])
      expect(rejected).not.toEqual(chosen)
      expect(gap).toBeGreaterThanOrEqual(0.5)
    }
    const metrics = lines('whole', 'metrics.jsonl')
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4])
    expect(metrics[0]?.loss).toBeGreaterThan(Math.log(2)) // the preference term is log 2 at first, the anchor adds to it
    expect(readdirSync(at('whole', 'adapter')).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
    ])
    const { pairs: count, steps, funnel, ...figures } = summaryOf('whole')
    const { before, delta, controls } = judged(figures)
    expect({ count, steps }).toEqual({ count: pairs.length, steps: 4 })
    expect(funnel[0]?.steps.at(-1)?.remained).toBe(pairs.length)
    for (const { value, low, high } of [before.chair, before.cover, delta.hal, controls.C.metrics.cover])
      expect(low <= value && value <= high).toBe(true)
  })

  test('given again it takes everything from before', async () => {
    const before = results('whole')
    const again = await clipDpo(['run', TINY, '--out', at('whole')])
    expect(again.code).toBe(0)
    expect(again.stderr).not.toMatch(/: done in/)
    expect(results('whole')).toEqual(before)
  }, 300_000)

  test('broken off in every stage it goes on and comes to the same, bit for bit', async () => {
    const run = ['run', TINY, '--out', at('broken')]
    /** Sends a signal once, when the program has said something. */
    const when = (said: RegExp, signal: NodeJS.Signals): Promise<Ended> => {
      let isSent = false
      return clipDpo(run, (program, stderr) => {
        if (isSent || !said.test(stderr)) return
        isSent = true
        program.kill(signal)
      })
    }
    for (const moment of [/^dataset train: done/m, /^score: done/m, /^train: .*1\/4 steps/m]) {
      const stopped = await when(moment, 'SIGINT')
      expect(stopped.stderr).toContain('the same command continues')
      expect(stopped.code).toBe(3)
    }
    for (const moment of [/^evaluate before: done/m]) expect((await when(moment, 'SIGKILL')).code).toBeNull()
    const end = await clipDpo(['run', TINY, '--out', at('broken')])
    expect(end.code).toBe(0)
    expect(results('broken')).toEqual(results('whole'))
  }, 600_000)
})

test('a recipe that is none is refused before anything starts', async () => {
  writeFileSync(at('bad.json'), JSON.stringify({ name: 'bad', dataset: 3 }))
  const refused = await clipDpo(['run', at('bad.json'), '--out', at('bad')])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/bad\.json: dataset: expected/)
  const absent = await clipDpo(['run', at('none.json'), '--out', at('bad')])
  expect(absent.code).toBe(2)
  expect(absent.stderr).toMatch(/expected a recipe, found none/)
})
