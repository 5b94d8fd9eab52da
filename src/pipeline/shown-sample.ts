import type { Store } from '../store/store.ts'
import type { MeasuredSet } from './run.ts'
import { BottomSample } from './sample.ts'
import { thumbnailUrls } from './thumbnail-urls.ts'

/** What the model says before and after of pictures about which nothing is judged. */
export interface ShownSample {
  /** As the recipe names it. */
  readonly source: string
  /** All of them, and how many of those were trained on as well. */
  readonly images: number
  readonly trainedOn: number
  /** A few, drawn at random but always the same: first those of which something else is said than before. */
  readonly cards: readonly ShownCard[]
}

export interface ShownCard {
  readonly image: string
  readonly imageHash: string
  readonly before: string
  readonly after: string
  /** Address of a small copy; undefined where there is none. */
  readonly thumbnail?: string
}

/** Sets of a run of which captions are shown and nothing is judged: because it asks for that, or because nothing is known of them. */
export function shownSets(measured: readonly MeasuredSet[]): MeasuredSet[] {
  return measured.filter(
    ({ name, dataset }) => name === 'shown ' || (name === '' && dataset.summary.withTruth === 0),
  )
}

/** A few of a set's pictures. @param most default 24. @throws {IncompleteStageError} when a unit is damaged. */
export async function shownSample(
  { source, dataset, before, after, trainedOn }: MeasuredSet,
  store: Pick<Store, 'thumbnails'>,
  most = 24,
): Promise<ShownSample> {
  const changed = new BottomSample<ShownCard>(most)
  const same = new BottomSample<ShownCard>(most)
  for await (const [chunk, first] of before.units.units()) {
    const second = await after.units.expect(chunk)
    first.forEach(({ image, imageHash, caption }, i) => {
      const card = { image, imageHash, before: caption, after: second[i]?.caption ?? '' }
      const sample = card.before === card.after ? same : changed
      sample.add(card, imageHash)
    })
  }
  const cards = [...changed.items, ...same.items].slice(0, most)
  const urls = await thumbnailUrls(
    store,
    cards.map(({ imageHash }) => imageHash),
  )
  return {
    source,
    images: dataset.summary.images,
    trainedOn,
    cards: cards.map((card) => {
      const thumbnail = urls.get(card.imageHash)
      return thumbnail === undefined ? card : { ...card, thumbnail }
    }),
  }
}
