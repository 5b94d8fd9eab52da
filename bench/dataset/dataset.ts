import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openAsBlob, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import type { ImageRecord } from '../../src/data/image-records.ts'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { residentOf } from '../processes.ts'

/** What a run over a folder of pictures took. */
export interface DatasetFigures {
  readonly images: number
  /** Preference pairs that were made. */
  readonly pairs: number
  readonly seconds: number
  /** Most resident memory at a moment, MiB, by kind of process: `renderer` holds the page and all workers, `all` is every process. */
  readonly peakMiB: Readonly<Record<string, number>>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SCENES = join(ROOT, 'public/data/emoji-scenes/data/heldout-00000-of-00001.parquet')
const SAMPLE_MS = 500

/** Of each picture's file, so that to hold all of many would show. */
export const PICTURE_BYTES = 2 ** 16

/**
 * Runs the built command line over folders of so many pictures, of which nine in ten are trained on and the others evaluated, with
 * two short answers to each and a pair of these, and watches how much memory its processes take. Needs `ps` and a built project.
 */
export async function measureDatasets(
  counts: readonly number[],
  say: (figures: DatasetFigures) => void,
): Promise<DatasetFigures[]> {
  const scenes = await heldOut()
  const all: DatasetFigures[] = []
  for (const images of counts) {
    const folder = mkdtempSync(join(tmpdir(), 'clip-dpo-bench-'))
    try {
      writePictures(join(folder, 'pictures'), scenes, images)
      writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe(images)))
      const figures = { images, ...(await watched(folder)) }
      say(figures)
      all.push(figures)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return all
}

/** How much more memory the most pictures may take than a quarter as many: what the browser does not give back at once. */
const MOST_GROWTH = 1.15

/**
 * Where the run over the most pictures took more memory than the one before it, a line each. The first thousands of pictures fill
 * caches and what is collected as garbage late; from there on memory must not grow.
 */
export function grownMemory(all: readonly DatasetFigures[]): string[] {
  const [most, fewer] = all.toSorted((a, b) => b.images - a.images)
  if (!most || !fewer) return []
  return ['renderer', 'all'].flatMap((kind) => {
    const [got = Number.NaN, before = Number.NaN] = [most.peakMiB[kind], fewer.peakMiB[kind]]
    const limit = MOST_GROWTH * before
    if (got <= limit) return []
    return `${most.images} pictures, ${kind}: expected at most ${limit.toFixed(0)} MiB, ${MOST_GROWTH} times as much as ${fewer.images} take, got ${got.toFixed(0)}`
  })
}

async function heldOut(): Promise<ImageRecord[]> {
  const dataset = await openImageDataset({
    file: { name: 'heldout.parquet', blob: await openAsBlob(SCENES) },
  })
  const pictures: ImageRecord[] = []
  for await (const record of dataset.records()) pictures.push(record)
  return pictures
}

/** Other bytes behind each picture's end make it another file, which shows the same; what that is, is told beside them. */
function writePictures(folder: string, scenes: readonly ImageRecord[], count: number): void {
  mkdirSync(folder)
  const notes: string[] = []
  for (let i = 0; i < count; i++) {
    const { bytes, truth } = scenes[i % scenes.length] as ImageRecord
    const end = Buffer.alloc(Math.max(8, PICTURE_BYTES - bytes.length), `${i} `)
    writeFileSync(join(folder, `${i}.png`), Buffer.concat([bytes, end]))
    notes.push(
      JSON.stringify({ file_name: `${i}.png`, truth: truth?.truth ?? [], hallu: truth?.hallu ?? [] }),
    )
  }
  writeFileSync(join(folder, 'metadata.jsonl'), notes.join('\n'))
}

function recipe(images: number): object {
  const embedded = (name: string) => ({ source: `embedded:${name}` })
  return {
    name: `${images} pictures`,
    dataset: { source: 'pictures', share: [0, 0.9] },
    policy: embedded('emoji-llava'),
    clip: embedded('emoji-clip'),
    caption: { prompts: ['What is in this image?'], samples: 1, greedy: true, max_new_tokens: 8 },
    pair: { minGap: 0, minLengthRatio: 0, keepUnfinished: true },
    train: { per_device_train_batch_size: 16, max_steps: 4, peft: { r: 8, lora_alpha: 16 } },
    evaluate: { dataset: { source: 'pictures', share: [0.9, 1] }, max_new_tokens: 8, bootstrap: 100 },
  }
}

async function watched(folder: string): Promise<Omit<DatasetFigures, 'images'>> {
  const start = performance.now()
  const out = join(folder, 'out')
  const command = [join(ROOT, 'bin/clip-dpo.js'), 'run', join(folder, 'recipe.json'), '--out', out]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] })
  const peakMiB: Record<string, number> = {}
  const sampling = setInterval(() => {
    const now = residentOf(child.pid ?? 0)
    now.set(
      'all',
      [...now.values()].reduce((sum, mib) => sum + mib, 0),
    )
    for (const [kind, mib] of now) peakMiB[kind] = Math.max(peakMiB[kind] ?? 0, mib)
  }, SAMPLE_MS)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', resolve)
  })
  clearInterval(sampling)
  if (code !== 0) throw new Error(`clip-dpo run: expected exit code 0, got ${code}`)
  const { pairs } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as RunSummary
  return { pairs, seconds: (performance.now() - start) / 1000, peakMiB }
}
