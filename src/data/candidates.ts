import * as v from 'valibot'
import type { Candidate, ScoredCandidate } from '../method/candidate.ts'
import { readSchema } from '../method/schema.ts'
import { DataError } from './data-error.ts'
import { type RowSource, readRows } from './rows.ts'

const text = v.pipe(v.string(), v.minLength(1))
const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const number = v.pipe(v.number(), v.finite())
/** A key that may be absent. */
const some = <T extends v.GenericSchema>(schema: T) => v.exactOptional(schema)

const CANDIDATE = {
  image: text,
  imageHash: v.pipe(
    v.string(),
    v.check((hash) => /^[0-9a-f]{64}$/.test(hash), 'expected 64 hexadecimal digits'),
  ),
  prompt: v.string(),
  promptId: v.optional(
    v.pipe(
      v.union([v.string(), whole]),
      v.transform((id) => (typeof id === 'number' ? `p${id}` : id)),
    ),
    'p0',
  ),
  generator: v.optional(v.string(), 'policy'),
  candidate: v.optional(whole, 0),
  greedy: some(v.boolean()),
  seed: v.optional(whole, 0),
  text: v.string(),
  numTokens: v.optional(whole, 0),
  finishReason: v.optional(v.picklist(['stop', 'length']), 'stop'),
  statement: some(v.string()),
  context: some(v.string()),
  verbatim: some(v.object({ prompt: text, end: some(text) })),
  count: some(v.pipe(v.number(), v.integer(), v.minValue(1))),
  correct: some(v.boolean()),
}

const SCORED = {
  ...CANDIDATE,
  scores: v.object({
    clip: some(number),
    fclip: some(number),
    sentence: some(number),
    calibrated: some(number),
  }),
  phrases: some(v.array(v.object({ text: v.string(), score: number }))),
  score: some(number),
  rank: some(whole),
  questionScore: some(number),
  imageText: some(number),
}

/** A line of `scores`: a scored candidate, and how much writing its image shows, by `imageTextScore`. */
export type ScoredRow = ScoredCandidate & { readonly imageText?: number }

/**
 * Lines of `captions`, as `caption`, `generate` and `run` write them; other columns are passed over.
 * @throws {DataError} naming file, row and column, what was expected and what came.
 */
export async function* readCandidates(source: RowSource, signal?: AbortSignal): AsyncGenerator<Candidate> {
  yield* checked(v.object(CANDIDATE), source, signal)
}

/** Lines of `scores`, as `score` and `run` write them. @throws {DataError} as `readCandidates`. */
export async function* readScored(source: RowSource, signal?: AbortSignal): AsyncGenerator<ScoredRow> {
  for await (const row of checked(v.object(SCORED), source, signal)) {
    const isWithoutParts = row.phrases?.length === 0 // a text without sentences has a score of its whole alone
    if (row.score === undefined && Object.keys(row.scores).length > 0 && !isWithoutParts) {
      throw new DataError(
        `${source.name}: ${row.image}: expected a score, by which the rules go, beside scores, got none`,
      )
    }
    yield row
  }
}

async function* checked<T extends v.GenericSchema>(
  schema: T,
  source: RowSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<v.InferOutput<T>> {
  for await (const { where, values } of readRows(source, signal))
    yield readSchema(schema, values, (message) => new DataError(`${where}: ${message}`))
}
