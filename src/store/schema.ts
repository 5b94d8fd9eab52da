import type { HashedRecord } from '../data/unique.ts'
import type { Candidate, PreferencePair, ScoredCandidate } from '../method/candidate.ts'
import type { StageKind } from './kinds.ts'

/** An image of a dataset; its bytes lie in `images`, a small copy in `thumbnails`, both under `hash`. */
export type StoredImage = Omit<HashedRecord, 'bytes'>

/** What one unit of a stage's output is, by kind. */
export interface StageUnits extends Record<StageKind, unknown> {
  datasets: readonly StoredImage[]
  candidates: readonly Candidate[]
  scores: readonly ScoredCandidate[]
  pairs: readonly PreferencePair[]
  /** A file that a training leaves, by its name: the adapter's, its metrics. */
  checkpoints: Uint8Array<ArrayBuffer>
  /** Part of an evaluation, as the evaluation defines it. */
  results: unknown
}
