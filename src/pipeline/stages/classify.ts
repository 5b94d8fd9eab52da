import { bootstrap, type Estimate, pairedBootstrap } from '../../evaluate/bootstrap.ts'
import type { ClipEmbedder } from '../clip-embedder.ts'
import { type MeasuredPair, measuredChunks } from './measured-chunks.ts'

/** Zero-shot classification of single objects: the model captions the picture, CLIP's text tower classifies the caption. */
export interface ZeroShotResult {
  readonly images: number
  readonly classes: readonly string[]
  readonly before: Estimate
  readonly after: Estimate
  readonly delta: Estimate
  /** CLIP on the pictures themselves: what captions can hardly exceed. */
  readonly ceiling: Estimate
  /** Counts after training: row the true class, column the nearest one. */
  readonly confusion: readonly (readonly number[])[]
}

/** Classifies captions by the nearest class name; a picture's class is the first thing it is known to show. */
export async function classify(
  clip: ClipEmbedder,
  measured: MeasuredPair,
  { signal, ...options }: { samples: number; seed: number; signal: AbortSignal },
): Promise<ZeroShotResult> {
  const classes = await classesOf(measured)
  const names = classes.map((name) => `a photo of ${article(name)} ${name}.`)
  const prompts = await embedded(clip, names, signal)
  const nearest = async (texts: readonly string[]): Promise<number[]> =>
    await clip.classify(await embedded(clip, texts, signal), prompts)
  const hits = { before: [] as number[][], after: [] as number[][], pictures: [] as number[][] }
  const confusion = classes.map(() => new Array<number>(classes.length).fill(0))
  for await (const [, rows] of measuredChunks(measured)) {
    const known = rows.flatMap((row) => {
      const [name] = row.item.truth?.truth ?? []
      return name === undefined ? [] : [{ ...row, own: classes.indexOf(name) }]
    })
    if (known.length === 0) continue
    const after = await nearest(known.map((row) => row.after.caption))
    const found = {
      before: await nearest(known.map((row) => row.before.caption)),
      after,
      pictures: await clip.classify(await clip.embedImages(known.map(({ item }) => item)), prompts),
    }
    known.forEach(({ own }, i) => {
      for (const name of ['before', 'after', 'pictures'] as const)
        hits[name].push([found[name][i] === own ? 1 : 0, 1])
      const row = confusion[own]
      const index = after[i] ?? 0
      if (row) row[index] = (row[index] ?? 0) + 1
    })
  }
  const share = (sums: Float64Array): number => (100 * (sums[0] ?? 0)) / Math.max(1, sums[1] ?? 0)
  return {
    images: hits.after.length,
    classes,
    before: bootstrap(hits.before, share, options),
    after: bootstrap(hits.after, share, options),
    delta: pairedBootstrap(hits.before, hits.after, share, options),
    ceiling: bootstrap(hits.pictures, share, options),
    confusion,
  }
}

async function classesOf({ dataset }: Pick<MeasuredPair, 'dataset'>): Promise<string[]> {
  const names = new Set<string>()
  for await (const [, items] of dataset.units.units())
    for (const { truth } of items) if (truth?.truth[0] !== undefined) names.add(truth.truth[0])
  return [...names].sort()
}

/** Unit embeddings; of a caption past CLIP's context only the beginning is shown to it. */
async function embedded(
  clip: ClipEmbedder,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  let wanted = [...texts]
  for (;;) {
    signal.throwIfAborted()
    const found = await clip.embedTexts(wanted)
    if (found.every((vector) => vector !== undefined)) return found
    wanted = wanted.map((text, i) => (found[i] ? text : text.slice(0, Math.floor(0.7 * text.length))))
  }
}

function article(noun: string): string {
  return /^[aeiou]/i.test(noun) ? 'an' : 'a'
}
