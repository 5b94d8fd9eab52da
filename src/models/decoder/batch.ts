import { type AttentionLayout, packedLayout } from '../../kernels/packing.ts'
import { NO_ROW, sortByDestination } from '../../kernels/rows.ts'

/** Input does not fit the model: lengths, token ids, or image tokens against image features. */
export class BatchError extends Error {
  override readonly name = 'BatchError'
}

/** What an answer follows: the tokens of image and prompt, and the features that replace the image tokens. */
export interface Prefix {
  /** Sequences whose prefixes have one key share the prefix's computation; the key must name image and prompt. */
  readonly key: string
  readonly ids: readonly number[]
  /** Features of all images of the prefix in order, (image tokens, hiddenSize); none for text alone. */
  readonly features?: Float32Array
}

/** One answer after its prefix. */
export interface Sequence {
  readonly prefix: Prefix
  /** The answer's tokens, its end token included. */
  readonly answer: readonly number[]
  /** The first token of the answer that is predicted; those before it are given, as a question is. Default 0. */
  readonly from?: number
}

/**
 * Sequences packed for one pass: every prefix once, the different answers behind it, positions continuing from the prefix.
 * Row counts: T rows of tokens, N answer tokens, S sequences, F rows of image features.
 */
export interface PackedBatch {
  readonly attention: AttentionLayout
  readonly ids: Uint32Array<ArrayBuffer> // (T)
  /** Row of `features` that replaces each token, `NO_ROW` for words. */
  readonly featureIndex: Uint32Array<ArrayBuffer> // (T)
  readonly features: Float32Array<ArrayBuffer> // (F, hiddenSize)
  /** The row whose hidden state predicts each answer token. */
  readonly answerRows: Uint32Array<ArrayBuffer> // (N)
  readonly targets: Uint32Array<ArrayBuffer> // (N)
  /** First answer token of each sequence, and N at the end. */
  readonly offsets: Uint32Array<ArrayBuffer> // (S + 1)
  /** `answerRows` by row, for the backward pass: which answer tokens each row predicts. */
  readonly predicted: { readonly offsets: Uint32Array<ArrayBuffer>; readonly order: Uint32Array<ArrayBuffer> }
  /** Tokens an unpacked batch of the same sequences would hold. */
  readonly unpackedTokens: number
}

export interface PackOptions {
  /** The model's image token; undefined for text-only models. */
  readonly imageTokenId?: number | undefined
  readonly hiddenSize: number
  readonly vocabSize: number
  /** Longest sequence the model's positions reach. */
  readonly maxPositions: number
  /** Give every sequence a prefix of its own, as TRL computes them; for comparison. Default true: share. */
  readonly share?: boolean
}

interface PrefixGroup {
  readonly prefix: Prefix
  /** Different answers and, for each, the answer tokens' first place in N of every sequence that has it. */
  readonly answers: Map<string, { ids: readonly number[]; sequences: number[] }>
}

/**
 * Packs sequences, in N's order as they come, one prefix per key and one segment per different answer behind it.
 * @throws {BatchError} for an empty prefix or answer, an answer of which nothing is predicted, ids outside the vocabulary, a
 *   sequence that is too long, or image tokens that do not match the features.
 */
export function packSequences(sequences: readonly Sequence[], options: PackOptions): PackedBatch {
  if (sequences.length === 0) throw new BatchError('expected at least one sequence, got none')
  sequences.forEach((sequence, i) => {
    checkSequence(sequence, i, options)
  })
  const groups = groupByPrefix(sequences, options.share ?? true)
  const offsets = new Uint32Array(sequences.length + 1)
  sequences.forEach(({ answer, from = 0 }, i) => {
    offsets[i + 1] = (offsets[i] as number) + answer.length - from
  })
  const answerTokens = offsets[sequences.length] as number
  const answerRows = new Uint32Array(answerTokens)
  const targets = new Uint32Array(answerTokens)
  const ids: number[] = []
  const featureIndex: number[] = []
  let featureRows = 0
  for (const { prefix, answers } of groups) {
    for (const id of prefix.ids) {
      ids.push(id)
      featureIndex.push(id === options.imageTokenId ? featureRows++ : NO_ROW)
    }
    const lastOfPrefix = ids.length - 1
    for (const answer of answers.values()) {
      const first = ids.length
      for (const i of answer.sequences) {
        const from = sequences[i]?.from ?? 0
        answer.ids.slice(from).forEach((target, at) => {
          const n = (offsets[i] as number) + at
          const t = from + at
          targets[n] = target
          answerRows[n] = t === 0 ? lastOfPrefix : first + t - 1
        })
      }
      ids.push(...answer.ids)
      for (let t = 0; t < answer.ids.length; t++) featureIndex.push(NO_ROW)
    }
  }
  const attention = packedLayout(
    groups.map(({ prefix, answers }) => ({
      prefixLength: prefix.ids.length,
      segmentLengths: [...answers.values()].map((answer) => answer.ids.length),
    })),
  )
  return {
    attention,
    ids: Uint32Array.from(ids),
    featureIndex: Uint32Array.from(featureIndex),
    features: concatFeatures(
      groups.map(({ prefix }) => prefix),
      featureRows * options.hiddenSize,
    ),
    answerRows,
    targets,
    offsets,
    predicted: sortByDestination(answerRows, ids.length),
    unpackedTokens: sequences.reduce(
      (total, { prefix, answer }) => total + prefix.ids.length + answer.length,
      0,
    ),
  }
}

/** A batch's rows from which something is predicted, each once and in order, for a last layer that computes no others. */
export interface PredictingRows {
  readonly index: Uint32Array<ArrayBuffer> // (R), rows of the batch
  readonly positions: Uint32Array<ArrayBuffer> // (R)
  readonly ranges: Uint32Array<ArrayBuffer> // (R, 4), key rows of the batch
  /** Pairs of one of these rows and a key row it sees. */
  readonly pairs: number
  /** `PackedBatch.answerRows` counted among these rows. */
  readonly answerRows: Uint32Array<ArrayBuffer> // (N)
}

export function predictingRows({ answerRows, attention }: PackedBatch): PredictingRows {
  const index = Uint32Array.from(new Set(answerRows)).sort()
  const places = new Map([...index].map((row, place) => [row, place]))
  const ranges = new Uint32Array(4 * index.length)
  index.forEach((row, place) => {
    ranges.set(attention.ranges.subarray(4 * row, 4 * row + 4), 4 * place)
  })
  let pairs = 0
  for (let i = 0; i < ranges.length; i += 2) pairs += (ranges[i + 1] as number) - (ranges[i] as number)
  return {
    index,
    positions: index.map((row) => attention.positions[row] as number),
    ranges,
    pairs,
    answerRows: answerRows.map((row) => places.get(row) as number),
  }
}

function groupByPrefix(sequences: readonly Sequence[], share: boolean): PrefixGroup[] {
  const groups = new Map<string, PrefixGroup>()
  sequences.forEach(({ prefix, answer }, i) => {
    const key = share ? prefix.key : `${i}`
    let group = groups.get(key)
    if (!group) {
      group = { prefix, answers: new Map() }
      groups.set(key, group)
    } else if (group.prefix.ids.join() !== prefix.ids.join()) {
      throw new BatchError(
        `sequence ${i}: expected the prefix of key ${JSON.stringify(key)} to have one text, got two`,
      )
    }
    const text = answer.join()
    const known = group.answers.get(text)
    if (known) known.sequences.push(i)
    else group.answers.set(text, { ids: answer, sequences: [i] })
  })
  return [...groups.values()]
}

function checkSequence({ prefix, answer, from = 0 }: Sequence, i: number, options: PackOptions): void {
  const where = `sequence ${i}`
  checkPrefix(prefix, where, options)
  if (answer.length === 0)
    throw new BatchError(`${where}: expected an answer of at least one token, got none`)
  if (!(Number.isInteger(from) && from >= 0 && from < answer.length)) {
    throw new BatchError(
      `${where}: expected to predict from one of the answer's tokens 0..${answer.length - 1} on, got ${from}`,
    )
  }
  const length = prefix.ids.length + answer.length
  if (length > options.maxPositions) {
    throw new BatchError(
      `${where}: expected at most ${options.maxPositions} tokens, got ${length}; shorten the prompt or the answer, or load the model with more maxPositions`,
    )
  }
  checkIds(answer, where, options)
  if (options.imageTokenId !== undefined && answer.includes(options.imageTokenId)) {
    throw new BatchError(`${where}: expected image tokens in the prompt only, got one in the answer`)
  }
}

/** @throws {BatchError} for an empty prefix, ids outside the vocabulary, or image tokens that do not match the features. */
export function checkPrefix(prefix: Prefix, where: string, options: Omit<PackOptions, 'maxPositions'>): void {
  const { imageTokenId, hiddenSize } = options
  if (prefix.ids.length === 0)
    throw new BatchError(`${where}: expected a prefix of at least one token, got none`)
  checkIds(prefix.ids, where, options)
  const imageTokens = prefix.ids.filter((id) => id === imageTokenId).length
  const featureRows = (prefix.features?.length ?? 0) / hiddenSize
  if (imageTokens !== featureRows) {
    throw new BatchError(
      `${where}: expected one row of image features for each of ${imageTokens} image tokens, got ${featureRows}`,
    )
  }
}

function checkIds(
  ids: readonly number[],
  where: string,
  { vocabSize }: Pick<PackOptions, 'vocabSize'>,
): void {
  for (const id of ids) {
    if (!(Number.isInteger(id) && id >= 0 && id < vocabSize)) {
      throw new BatchError(`${where}: expected token ids in 0..${vocabSize - 1}, got ${id}`)
    }
  }
}

/** The features of all prefixes, one after the other. */
export function concatFeatures(prefixes: readonly Prefix[], length: number): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(length)
  let at = 0
  for (const { features } of prefixes) {
    if (!features) continue
    whole.set(features, at)
    at += features.length
  }
  return whole
}
