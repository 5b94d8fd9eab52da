import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { type RecipeFile, VARIANTS, variantRecipe } from './variants.ts'

/** What one run of the command line came to; figures as in its `summary.json`, to four digits behind the point. */
export interface QualityRow
  extends Pick<
      RunSummary,
      'before' | 'after' | 'delta' | 'controls' | 'pairs' | 'steps' | 'images' | 'device'
    >,
    Partial<Pick<RunSummary, 'recipeHash' | 'modelHashes'>> {
  /** A variant on `dev`, or `heldout` for the demo itself. */
  readonly name: string
  readonly seed: number
  /** Of all stages, of those kept from another run what they took then. */
  readonly seconds: number
  /** Logical processors there were. */
  readonly cores?: number
  /** What the stages' outputs are kept under, by stage: what they depend on. */
  readonly stageHashes?: Readonly<Record<string, string>>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Committed, and what README's tables are made of. */
export const RESULTS = join(ROOT, 'bench/quality/results.jsonl')
/** The name under which the demo's own recipe on all held-out pictures is kept. */
export const HELD_OUT = 'heldout'

/**
 * Runs the demo's recipe (`heldout`) and its variants (on `dev`) on the built command line, and puts their figures into
 * `results.jsonl`, in place of those of the same name and seed. Runs are kept in `out/quality`, so that what is asked for again
 * is not computed again.
 * @throws {Error} when a run fails.
 */
export async function measureQuality(
  names: readonly string[],
  seeds: readonly number[],
  say: (row: QualityRow) => void,
): Promise<QualityRow[]> {
  const rows: QualityRow[] = []
  for (const seed of seeds) {
    for (const name of names) {
      const row = { name, seed, ...(await run(recipeOf(name, seed), `${name}-${seed}`, seed)) }
      keep(row)
      say(row)
      rows.push(row)
    }
  }
  return rows
}

/** The recipe that is run under a name with a seed. */
export function recipeOf(name: string, seed: number): RecipeFile {
  const demo = JSON.parse(readFileSync(join(ROOT, 'recipes/demo.json'), 'utf8')) as RecipeFile
  return name === HELD_OUT ? { ...demo, seed } : variantRecipe(demo, name, seed)
}

/** All that can be asked for. */
export const QUALITY_NAMES: readonly string[] = [HELD_OUT, ...Object.keys(VARIANTS)]

/** The committed results. */
export function readResults(): QualityRow[] {
  if (!existsSync(RESULTS)) return []
  return readFileSync(RESULTS, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : (JSON.parse(line) as QualityRow)))
}

function keep(row: QualityRow): void {
  const others = readResults().filter(({ name, seed }) => name !== row.name || seed !== row.seed)
  const order = ({ name, seed }: QualityRow): number => 1000 * QUALITY_NAMES.indexOf(name) + seed
  const lines = [...others, row].sort((a, b) => order(a) - order(b)).map((each) => JSON.stringify(each))
  writeFileSync(RESULTS, `${lines.join('\n')}\n`)
}

async function run(
  recipe: RecipeFile,
  file: string,
  seed: number,
): Promise<Omit<QualityRow, 'name' | 'seed'>> {
  const folder = join(ROOT, 'out/quality')
  const out = join(folder, `seed-${seed}`) // one store for all of a seed
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${file}.json`)
  writeFileSync(path, JSON.stringify(recipe, null, 2))
  const command = [join(ROOT, 'bin/clip-dpo.js'), 'run', path, '--out', out]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', resolve)
  })
  if (code !== 0) throw new Error(`clip-dpo run of ${file}: expected exit code 0, got ${code}`)
  return figuresOf(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'), rounded) as RunSummary)
}

/** What is kept of a run on this machine. */
export function figuresOf(summary: RunSummary): Omit<QualityRow, 'name' | 'seed'> {
  const { before, after, delta, controls, pairs, steps, images, device, stages, recipeHash, modelHashes } =
    summary
  const notes = Object.entries(stages)
  return {
    before,
    after,
    delta,
    ...(controls ? { controls } : {}),
    pairs,
    steps,
    images,
    seconds: Math.round(notes.reduce((sum, [, stage]) => sum + stage.seconds, 0)),
    cores: availableParallelism(),
    ...(device ? { device } : {}),
    recipeHash,
    modelHashes,
    stageHashes: Object.fromEntries(notes.map(([stage, { hash }]) => [stage, hash])),
  }
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value
}
