import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { clipDpo } from '../support/program.ts'

/** What stages made before. */
const KEPT = 'test/cli/outputs.json'
/** The files that stages make, by the stage. */
const FILES: Readonly<Record<string, string>> = {
  caption: 'captions.round1.jsonl',
  'caption questions 2': 'captions.jsonl',
  score: 'scores.round1.jsonl',
  'score 2': 'scores.jsonl',
  pair: 'pairs.round1.jsonl',
  'pair 2': 'pairs.jsonl',
  train: 'metrics.round1.jsonl',
  'train 2': 'metrics.jsonl',
  'evaluate after': 'answers.jsonl',
  evaluate: 'evaluation.json',
}

interface Output {
  readonly stage: string
  readonly hash: string | undefined
  /** Sums of its fractions and of their squares. */
  readonly sums: readonly [number, number]
  /** SHA-256 of everything else. */
  readonly rest: string
}

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'outputs-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

test('stages make what they made before, or under other hashes, so that a store gives nothing outdated', async () => {
  const tiny = JSON.parse(readFileSync('recipes/tiny.json', 'utf8')) as Record<string, object>
  const everything = {
    ...tiny,
    rounds: 2,
    caption: { ...tiny.caption, questions: {} },
    score: { scorer: 'f-clip', calibrate: true },
    evaluate: { ...tiny.evaluate, zero_shot: { source: 'embedded:emoji-scenes/zeroshot', limit: 8 } },
  }
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(everything))
  const { code, stderr } = await clipDpo(['run', join(folder, 'recipe.json'), '--out', folder])
  expect(code, stderr).toBe(0)

  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const { stages, device } = JSON.parse(read('summary.json')) as RunSummary
  const outputs = Object.entries(FILES).map(([stage, name]): Output => {
    return { stage, hash: stages[stage]?.hash, ...contents(read(name)) }
  })
  const made = { device: `${device?.fingerprint} on ${cpus()[0]?.model}`, outputs }
  const before = JSON.parse(readFileSync(KEPT, 'utf8')) as typeof made
  expect(before.device).toBeDefined()
  if (made.device !== before.device) return // others round otherwise, and may choose another word
  const outdated = outputs.filter((one) =>
    before.outputs.some(({ stage, hash, ...other }) => hash === one.hash && !isSame(one, other)),
  )
  expect(outdated, 'raise the versions of these stages, which made something else before').toEqual([])
  const hashes = (all: typeof made) => all.outputs.map(({ hash }) => hash)
  expect(hashes(made), `write into ${KEPT} ${JSON.stringify(made, null, 2)}`).toEqual(hashes(before))
}, 600_000)

function contents(json: string): Pick<Output, 'sums' | 'rest'> {
  const sums: [number, number] = [0, 0]
  const lines = json.trim().split(/\n(?=\{)/)
  const rest = lines.map((line) =>
    JSON.stringify(JSON.parse(line), (_, value: unknown) => {
      if (typeof value !== 'number' || Number.isInteger(value)) return value
      sums[0] += value
      sums[1] += value ** 2
      return 0
    }),
  )
  return { sums, rest: createHash('sha256').update(rest.join('\n')).digest('hex') }
}

function isSame(a: Pick<Output, 'sums' | 'rest'>, b: Pick<Output, 'sums' | 'rest'>): boolean {
  const isNear = (i: 0 | 1): boolean => Math.abs(a.sums[i] - b.sums[i]) <= 1e-5 * (1 + Math.abs(b.sums[i]))
  return isNear(0) && isNear(1) && a.rest === b.rest
}
