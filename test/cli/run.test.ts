import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideBrowser } from '../../src/cli/browser.ts'
import { openProfile } from '../../src/cli/profile.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { judged } from '../support/evaluation.ts'
import { type Outside, watchOutside } from '../support/outside.ts'
import { clipDpo, clipDpoUntil, type Ended, killAtOnce, killBrowser, killPages } from '../support/program.ts'
import { damageStored, withStored } from '../support/stored.ts'

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

/** What must be the same however often a run was broken off: everything but times and memory. */
function results(out: string): Record<string, string> {
  const files = readdirSync(at(out), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.browser'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(summary\.json|report\.html)$/.test(path))
  const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  const { stages, ...summary } = summaryOf(out)
  const hashes = Object.entries(stages).map(([stage, { hash }]) => [stage, hash])
  return {
    ...Object.fromEntries(files.map((path) => [path.slice(at(out).length), hash(path)])),
    summary: JSON.stringify([summary, hashes]),
  }
}

/** The names of all properties, at any depth. */
function fieldsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(fieldsOf)
  return Array.isArray(value) ? inside : [...Object.keys(value), ...inside]
}

let whole: Ended
let outside: Outside
const confined = (args: readonly string[]): Promise<Ended> =>
  clipDpo(args, () => {}, { CHROME_PATH: at('browser') })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'run-'))
  outside = await watchOutside()
  outside.writeBrowser(at('browser'), provideBrowser())
  whole = await confined(['run', TINY, '--out', at('whole')])
}, 600_000)

afterAll(() => {
  outside.close()
  rmSync(folder, { recursive: true })
})

describe('the tiny recipe from the command line', () => {
  test('runs all stages, and shows funnel, figures, examples, times and files', () => {
    expect(whole.stderr).toMatch(/evaluate: done in/)
    expect(whole.code).toBe(0)
    for (const part of ['Funnel: ', 'CHAIR', 'control C', 'before: ', 'Time', 'summary.json'])
      expect(whole.stdout).toContain(part)
    for (const stage of ['dataset train', 'caption', 'score', 'pair', 'train', 'evaluate after'])
      expect(whole.stderr).toMatch(new RegExp(`^${stage}: done in`, 'm'))
  })

  test('keeps its recipe with the models and pictures it ran on', () => {
    const json = (name: string) => JSON.parse(readFileSync(at('whole', name), 'utf8'))
    const { policy, clip, dataset, evaluate } = parseRecipe(json('recipe.json'))
    const { modelHashes } = json('summary.json') as RunSummary
    expect([policy.sha256, clip.sha256]).toEqual([modelHashes.policy, modelHashes.clip])
    for (const { sha256 } of [dataset, evaluate.dataset]) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
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

  test('writes nothing that docs/files.md does not explain', () => {
    const explained = new Set(readFileSync('docs/files.md', 'utf8').match(/(?<=`)[^`\n]+(?=`)/g))
    const json = (name: string): unknown => JSON.parse(readFileSync(at('whole', name), 'utf8'))
    const { stages, device, ...summary } = json('summary.json') as Record<string, object>
    const {
      objects: _,
      coOccurrences: __,
      ...evaluation
    } = json('evaluation.json') as object & {
      objects: unknown
      coOccurrences: unknown
    }
    const found = [
      ...fieldsOf([summary, Object.values(stages ?? {}), json('funnel.json'), evaluation]),
      ...['captions', 'scores', 'pairs', 'metrics', 'answers'].flatMap((name) =>
        fieldsOf(lines('whole', `${name}.jsonl`)),
      ),
      ...readdirSync(at('whole'), { withFileTypes: true }).map((entry) =>
        entry.isDirectory() ? `${entry.name}/` : entry.name,
      ),
    ].filter((field) => !['value', 'low', 'high', 'role', 'content', '.browser/'].includes(field))
    expect(device).toBeDefined()
    expect([...new Set(found)].filter((field) => !explained.has(field))).toEqual([])
  })

  test('given again it takes everything from before', async () => {
    const before = results('whole')
    const again = await clipDpo(['run', TINY, '--out', at('whole')])
    expect(again.code).toBe(0)
    expect(again.stderr).not.toMatch(/: done in/)
    expect(results('whole')).toEqual(before)
  }, 300_000)

  test('asks nobody else for anything', async () => {
    expect(whole.code).toBe(0)
    expect(outside.requests).toEqual([])
    const tiny = JSON.parse(readFileSync(TINY, 'utf8')) as object
    const elsewhere = { ...tiny, policy: { source: 'http://models.invalid/policy' } }
    writeFileSync(at('elsewhere.json'), JSON.stringify(elsewhere))
    const refused = await confined(['run', at('elsewhere.json'), '--out', at('elsewhere')])
    expect(refused.stderr).toContain('models.invalid')
    expect(outside.requests).toContain('HEAD models.invalid')
  })

  test('a second command on the same folder says who has it, and leaves it as it is', async () => {
    const before = results('whole')
    const profile = openProfile(at('whole', '.browser'))
    try {
      const refused = await clipDpo(['run', TINY, '--out', at('whole')])
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain(
        `process ${process.pid} is using; wait for it, or choose another --out`,
      )
    } finally {
      profile.release()
    }
    expect(results('whole')).toEqual(before)
  }, 300_000)

  test('what the disk has damaged is told, dropped and made again, and all comes to the same', async () => {
    const before = results('whole')
    const damaged = await withStored(at('whole'), async (page) => [
      `candidates/${await damageStored(page, 'candidates', 0)}`,
      `scores/${await damageStored(page, 'scores', 0)}`,
      `pairs/${await damageStored(page, 'pairs', 0)}`,
      `images/${await damageStored(page, 'images')}`,
      `results/${await damageStored(page, 'results', 'adapter')}`,
    ])
    rmSync(at('whole', 'images'), { recursive: true })
    const mended = await clipDpo(['run', TINY, '--out', at('whole')])
    expect(mended.code, mended.stderr).toBe(0)
    for (const value of damaged) expect(mended.stderr).toContain(`${value} was damaged and has been dropped`)
    expect(results('whole')).toEqual(before)
    const again = await clipDpo(['run', TINY, '--out', at('whole')])
    expect(again.stderr).not.toMatch(/damaged|: done in/)
  }, 600_000)

  test('broken off after every stage and within training it goes on and comes to the same, bit for bit', async () => {
    const run = ['run', TINY, '--out', at('broken')]
    const stopped = async (moment: RegExp): Promise<Ended> => {
      const ended = await clipDpoUntil(run, moment, (program) => program.kill('SIGINT'))
      expect(ended.stderr).toContain('the same command continues')
      expect(ended.code, ended.stderr).toBe(3)
      return ended
    }
    const killed = async (moment: RegExp): Promise<Ended> => {
      const ended = await clipDpoUntil(run, moment, killAtOnce)
      expect(ended.code, ended.stderr).toBeNull()
      return ended
    }
    // Where processes are not listed as Linux does, all are ended.
    const lost = async (moment: RegExp, end: typeof killAtOnce, message: RegExp): Promise<Ended> => {
      if (process.platform !== 'linux') return await killed(moment)
      const ended = await clipDpoUntil(run, moment, end)
      expect(ended.stderr).toMatch(message)
      expect(ended.stderr).toContain('the same command continues')
      expect(ended.code, ended.stderr).toBe(3)
      return ended
    }
    await stopped(/^dataset train: done/m)
    await lost(/^caption: done/m, killBrowser, /the browser or its window was closed/)
    expect((await stopped(/^score: done/m)).stderr).toMatch(/^caption: kept from before/m)
    expect((await killed(/^pair: done/m)).stderr).toMatch(/^score: kept from before/m)
    await stopped(/^train: .* 1\/4 steps/m)
    const resumed = await killed(/^train: .*\/4 steps/m)
    expect(resumed.stderr).not.toMatch(/ 1\/4 steps/)
    expect((await stopped(/^train: done/m)).stderr).not.toMatch(/ 1\/4 steps/)
    await lost(/^evaluate before: done/m, killPages, /the browser ended the page/)
    expect((await killed(/^evaluate after: done/m)).stderr).toMatch(/^train: kept from before/m)
    const end = await clipDpo(run)
    expect(end.code, end.stderr).toBe(0)
    expect(end.stderr).toMatch(/^evaluate after: kept from before/m)
    expect(results('broken')).toEqual(results('whole'))
  }, 900_000)
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
