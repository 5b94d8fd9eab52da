import { Funnel } from '../method/funnel.ts'
import { groupBy } from '../method/group.ts'
import { HandEditing } from '../method/hand-editing.ts'
import { pairSettingsOfRound, parsePairSettings } from '../method/pair-settings.ts'
import { pairsOfImage } from '../method/pairs.ts'
import type { Store } from '../store/store.ts'
import type { PairPreview } from './runner.api.ts'
import type { StageEnd } from './stage.ts'
import { type ScoredChunk, type ScoreSummary, scoredChunks } from './stages/score.ts'

/** The scored candidates of a stage that has ended, held for as long as someone tries settings on them. */
export class PairPreviews {
  readonly #store: Store
  #held: { readonly hash: string; readonly chunks: Promise<readonly ScoredChunk[]> } | undefined
  #asked = 0

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * What settings would keep. @param round of the scores, whose edits by hand are meant. Default 1.
   * @throws {MethodSettingsError}; an `AbortError` when other settings were asked for meanwhile.
   */
  async preview(hash: string, json: unknown, round = 1): Promise<PairPreview> {
    const settings = pairSettingsOfRound(parsePairSettings(json), round)
    const own = ++this.#asked
    const funnel = new Funnel()
    const editing = new HandEditing(settings.edits)
    let candidates = 0
    let pairs = 0
    for (const { candidates: scored, imageText } of await this.#chunks(hash)) {
      await new Promise((resolve) => setTimeout(resolve)) // lets a later question overtake this one
      if (own !== this.#asked) throw new DOMException('other settings were asked for', 'AbortError')
      for (const image of groupBy(scored, (candidate) => candidate.imageHash).values())
        pairs += pairsOfImage(image, settings, funnel, (hash) => imageText[hash], editing).length
      candidates += scored.length
    }
    return { settings, candidates, pairs, funnel: funnel.steps, unmatchedEdits: editing.unmatched }
  }

  #chunks(hash: string): Promise<readonly ScoredChunk[]> {
    if (this.#held?.hash === hash) return this.#held.chunks
    const held = { hash, chunks: this.#read(hash) }
    this.#held = held
    held.chunks.catch(() => {
      if (this.#held === held) this.#held = undefined // the next time it may be there
    })
    return held.chunks
  }

  async #read(hash: string): Promise<readonly ScoredChunk[]> {
    const units = this.#store.stage<ScoredChunk, StageEnd<ScoreSummary>>('scores', hash)
    const done = await units.done()
    if (!done)
      throw new RangeError('pairs: expected all candidates to be scored first, got some that are not')
    const chunks: ScoredChunk[] = []
    for await (const [, chunk] of scoredChunks({ hash, units, ...done.summary })) chunks.push(chunk)
    return chunks
  }
}
