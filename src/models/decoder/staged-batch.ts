import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import type { DecoderConfig } from '../config.ts'
import type { AttentionTables, WantedRows } from './attention-tables.ts'
import { type PackedBatch, type PredictingRows, predictingRows } from './batch.ts'
import type { BatchRows, Workspace } from './workspace.ts'

/** Rows of tokens as the layers take them. */
export interface TokenRows {
  readonly tables: AttentionTables
  readonly ids: Tensor // (T), u32
  /** Used where there are features: the feature row that replaces each token, `NO_ROW` for words. */
  readonly featureIndex: Tensor // (T), u32
  readonly features: Tensor | undefined // (F, hiddenSize)
}

/** A batch whose tables are on the GPU, in the workspace's buffers until the next one. */
export interface StagedBatch extends TokenRows {
  readonly rows: BatchRows
  /** The row of the last layer's result from which each answer token is predicted. */
  readonly answerRows: Tensor // (N), u32
  readonly targets: Tensor // (N), u32
  readonly offsets: Tensor // (S + 1), u32
  readonly predicted: { readonly offsets: Tensor; readonly order: Tensor }
  /** The rows that predict, where the last layer is to compute these alone. */
  readonly wanted?: WantedRows
}

/**
 * Uploads a batch's tables.
 * @param decoder whose batch it is.
 * @param options.answersAlone have the last layer compute only the rows that predict; no backward pass can follow. Sums
 *   are then taken in another order. Default false.
 * @throws {ShapeError} when the batch is larger than the workspace.
 */
export function stageBatch(
  gpu: Gpu,
  { config, ropeTable }: { readonly config: Pick<DecoderConfig, 'hiddenSize'>; readonly ropeTable: Tensor },
  workspace: Workspace,
  batch: PackedBatch,
  { answersAlone = false }: { answersAlone?: boolean } = {},
): StagedBatch {
  const { attention, offsets } = batch
  const features = batch.features.length / config.hiddenSize
  const rows: BatchRows = {
    tokens: batch.ids.length,
    answers: batch.targets.length,
    sequences: offsets.length - 1,
    features: Math.max(1, features),
  }
  workspace.begin(rows)
  const upload = (
    name: string,
    data: Uint32Array<ArrayBuffer>,
    shapeOf: (rows: BatchRows) => readonly number[],
  ): Tensor => {
    const tensor = workspace.view(`batch.${name}`, shapeOf, 'u32')
    gpu.stream.write(tensor, data)
    return tensor
  }
  const alone = answersAlone ? predictingRows(batch) : undefined
  const featureRows = workspace.view('batch.features', (r) => [r.features, config.hiddenSize])
  if (features > 0) gpu.stream.write(featureRows, batch.features)
  return {
    rows,
    tables: {
      ropeTable,
      positions: upload('positions', attention.positions, (r) => [r.tokens]),
      ranges: upload('ranges', attention.ranges, (r) => [r.tokens, 4]),
      queryRanges: upload('queryRanges', attention.queryRanges, (r) => [r.tokens, 2]),
      pairs: attention.pairs,
    },
    ids: upload('ids', batch.ids, (r) => [r.tokens]),
    featureIndex: upload('featureIndex', batch.featureIndex, (r) => [r.tokens]),
    features: features > 0 ? featureRows : undefined,
    answerRows: upload('answerRows', alone?.answerRows ?? batch.answerRows, (r) => [r.answers]),
    targets: upload('targets', batch.targets, (r) => [r.answers]),
    offsets: upload('offsets', offsets, (r) => [r.sequences + 1]),
    predicted: {
      offsets: upload('predicted.offsets', batch.predicted.offsets, (r) => [r.tokens + 1]),
      order: upload('predicted.order', batch.predicted.order, (r) => [r.answers]),
    },
    ...(alone ? { wanted: stageWanted(gpu, ropeTable, workspace, alone) } : {}),
  }
}

function stageWanted(
  gpu: Gpu,
  ropeTable: Tensor,
  workspace: Workspace,
  { index, positions, ranges, pairs }: PredictingRows,
): WantedRows {
  const upload = (name: string, data: Uint32Array<ArrayBuffer>, width: number): Tensor => {
    const whole = workspace.view(`batch.wanted.${name}`, (r) => [r.answers, width], 'u32')
    const tensor = whole.prefix(width === 1 ? [index.length] : [index.length, width])
    gpu.stream.write(tensor, data)
    return tensor
  }
  const seen = upload('ranges', ranges, 4)
  return {
    index: upload('index', index, 1),
    tables: {
      ropeTable,
      positions: upload('positions', positions, 1),
      ranges: seen,
      queryRanges: seen, // nobody asks without a backward pass
      pairs,
    },
  }
}
