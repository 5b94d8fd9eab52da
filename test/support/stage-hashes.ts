import { readdirSync, readFileSync } from 'node:fs'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import { readDataset } from '../../src/pipeline/read-dataset.ts'
import { type DatasetRef, parseRecipe } from '../../src/pipeline/recipe.ts'
import {
  datasetSource,
  type ResolvedModel,
  type RunSources,
  resolveModel,
} from '../../src/pipeline/sources.ts'
import type { StageContext } from '../../src/pipeline/stage.ts'
import { captionStage } from '../../src/pipeline/stages/caption.ts'
import { type DatasetOutput, datasetStage } from '../../src/pipeline/stages/dataset.ts'
import { evaluateStage } from '../../src/pipeline/stages/evaluate.ts'
import { type MeasureOutput, measureStage } from '../../src/pipeline/stages/measure.ts'
import { pairStage } from '../../src/pipeline/stages/pair.ts'
import { scoreStage } from '../../src/pipeline/stages/score.ts'
import { trainStage } from '../../src/pipeline/stages/train.ts'
import { testModels } from './stage.ts'

type Hashes = Readonly<Record<string, string>>

const { signal } = new AbortController()
const DATA = 'public/data/emoji-scenes'

/** What comes with the page, from its files. */
const sources: RunSources = {
  site: 'http://localhost/',
  models: Object.fromEntries(['emoji-llava', 'emoji-clip'].map((name) => [`embedded:${name}`, model(name)])),
  datasets: Object.fromEntries(
    ['train', 'dev', 'heldout', 'zeroshot'].map((split) => [
      `embedded:emoji-scenes/${split}`,
      { file: { name: split, blob: blob(`${DATA}/data/${split}-00000-of-00001.parquet`) } },
    ]),
  ),
}

function blob(path: string): Blob {
  return new Blob([readFileSync(path)])
}

function model(name: string): { name: string; files: Record<string, Blob> } {
  const folder = `public/models/${name}`
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.\w+$/.test(path),
  )
  return { name, files: Object.fromEntries(paths.map((path) => [path, blob(`${folder}/${path}`)])) }
}

/** The embedded policy and CLIP, as a run finds them. */
export async function embeddedModels(): Promise<{ policy: ResolvedModel; clip: ResolvedModel }> {
  return {
    policy: await resolveModel({ source: 'embedded:emoji-llava' }, sources, signal),
    clip: await resolveModel({ source: 'embedded:emoji-clip' }, sources, signal),
  }
}

/**
 * What the stages of a recipe's first round on the embedded world keep their outputs under, by their code as it is: all but what
 * is measured with the adapter, whose name is the adapter's own bits.
 * @param ran the hashes a run had, of which those of what is measured with the adapter are taken.
 */
export async function stageHashes(json: unknown, ran: Hashes): Promise<Hashes> {
  const recipe = parseRecipe(json)
  const { seed, evaluate: settings } = recipe
  const { policy, clip } = await embeddedModels()
  const models = testModels({})
  const round = 1
  const context = finishedRun({ hash: (await pictures(recipe.dataset)).summary.hash, skipped: [] })
  const dataset = await datasetStage(context, recipe.dataset, { sources, round, part: 'train' })
  const written = { dataset, policy, captioners: [], seed, round }
  const captions = await captionStage(context, models, recipe.caption, written)
  const judged = { dataset, captions, round }
  const scores = await scoreStage(context, models.clip, clip.hash, recipe.score, judged)
  const pairs = await pairStage(context, recipe.pair, { scores, seed, round })
  const watch = { datasets: [], prompt: '', maxNewTokens: 1 } // changes nothing of a training
  const training = await trainStage(context, models, recipe.train, { pairs, policy, watch, round })

  const prompt = settings.prompt ?? recipe.caption.prompts[0] ?? ''
  const measure = async (ref: DatasetRef, name: string) => {
    const inputs = { dataset: await pictures(ref), policy, prompt, part: `${name}before` }
    const before = await measureStage(context, models, settings, inputs)
    const after = { ...before, hash: ran[`evaluate ${name}after`] ?? '' } as MeasureOutput
    return { dataset: inputs.dataset, before, after }
  }
  const main = await measure(settings.dataset, '')
  const zeroShot = settings.zero_shot ? await measure(settings.zero_shot, 'zero-shot ') : undefined
  const association = JSON.parse(readFileSync(`${DATA}/amber/relation.json`, 'utf8')) as Record<
    string,
    string[]
  >
  const evaluation = await evaluateStage(context, models.clip, clip.hash, settings, {
    main,
    ...(zeroShot ? { zeroShot } : {}),
    vocabulary: { association, safeWords: [] },
    seed,
  })
  return {
    dataset: dataset.hash,
    caption: captions.hash,
    score: scores.hash,
    pair: pairs.hash,
    train: training.hash,
    'evaluate before': main.before.hash,
    ...(zeroShot ? { 'evaluate zero-shot before': zeroShot.before.hash } : {}),
    evaluate: evaluation.hash,
  }
}

const read = new Map<string, Promise<DatasetOutput>>()

/** Pictures read, but neither decoded nor kept. */
function pictures(ref: DatasetRef): Promise<DatasetOutput> {
  const key = JSON.stringify(ref)
  const known = read.get(key) ?? readPictures(ref)
  read.set(key, known)
  return known
}

async function readPictures({ source, share, skip, limit }: DatasetRef): Promise<DatasetOutput> {
  const dataset = await openImageDataset(datasetSource(source, sources), signal)
  const files = { hasMany: async (hashes: string[]) => hashes.map(() => true), putMany: async () => {} }
  const job = { dataset, images: files, thumbnails: files, stage: { has: async () => true } }
  const summary = await readDataset(job as unknown as Parameters<typeof readDataset>[0], {
    share,
    skip,
    limit,
  })
  return { summary } as DatasetOutput
}

/** A run all of whose stages have ended, saying the same of themselves. */
function finishedRun(summary: object): StageContext {
  const run = {
    stage: async (_kind: string, hash: string) => ({
      hash,
      done: async () => ({ summary: { summary, seconds: 0 } }),
      async *units() {},
    }),
    update: async () => {},
    checkpoints: async () => ({ clear: async () => {} }),
  }
  return { run, store: {}, signal, emit: () => {} } as unknown as StageContext
}
