import quads from '../../shaders/matmul.quads.wgsl?raw'
import stagedSource from '../../shaders/matmul.staged.wgsl?raw'
import plain from '../../shaders/matmul.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'

/** Ways to compute a matrix product (see the shaders): the same sums in the same order. */
export type MatmulDesign =
  | 'narrow1'
  | 'narrow4'
  | 'staged1'
  | 'staged4'
  | 'staged16'
  | 'quads16'
  | 'quads32'
  | 'shared64'

/** How many rows a product has: 1, up to 4, up to 16, more. Each may use a design of its own. */
export type RowBucket = 'one' | 'few' | 'some' | 'many'

/** A matrix product's layout: which operands are stored with the reduction along their rows, which across. */
export interface ProductLayout {
  label: string
  leftTransposed: boolean
  rightTransposed: boolean
  /** The right operand as a frozen weight; default a dense matrix, bound as `right`. */
  weight?: {
    /** Files that define `weight_vec4`. */
    files: readonly ShaderFile[]
    /** A weight (rows, cols) for trials, by binding name. */
    sample(rows: number, cols: number): Record<string, Tensor>
  }
  /** Part of the question asked of the autotuner. */
  format: string
}

/** How a design is compiled. */
export interface DesignSpec {
  entryPoint: string
  shader: ShaderFile
  subgroups: boolean
  consts: Record<string, number>
  /** Outputs of one workgroup. */
  tile: readonly [rows: number, cols: number]
}

const QUADS: ShaderFile = { path: 'shaders/matmul.quads.wgsl', source: quads }
const STAGED: ShaderFile = { path: 'shaders/matmul.staged.wgsl', source: stagedSource }
const PLAIN: ShaderFile = { path: 'shaders/matmul.wgsl', source: plain }

function narrow(rows: number, colBlocks: number): DesignSpec {
  return {
    entryPoint: 'narrow',
    shader: PLAIN,
    subgroups: false,
    consts: { NARROW_ROWS: rows, COL_BLOCKS: colBlocks },
    tile: [rows, 32 * 4 * colBlocks],
  }
}

function staged(rows: number): DesignSpec {
  return {
    entryPoint: 'staged',
    shader: STAGED,
    subgroups: false,
    consts: { STAGED_ROWS: rows },
    tile: [rows, 16],
  }
}

function quadTile(rowBlocks: number, colBlocks: number, quadsPerGroup: number): DesignSpec {
  return {
    entryPoint: 'quads',
    shader: QUADS,
    subgroups: true,
    consts: { ROW_BLOCKS: rowBlocks, COL_BLOCKS: colBlocks, QUADS_PER_GROUP: quadsPerGroup },
    tile: [16 * rowBlocks, 16 * colBlocks * quadsPerGroup],
  }
}

const SHARED: DesignSpec = {
  entryPoint: 'shared_panels',
  shader: PLAIN,
  subgroups: false,
  consts: { NARROW_ROWS: 1, COL_BLOCKS: 1 },
  tile: [64, 64],
}

/** Sizes suit the adapter: one on the CPU wants few, long invocations, a GPU many. */
export function designSpec(gpu: Gpu, design: MatmulDesign): DesignSpec {
  const { isSoftware } = gpu.profile
  switch (design) {
    case 'narrow1':
      return narrow(1, isSoftware ? 2 : 1)
    case 'narrow4':
      return narrow(4, 1)
    case 'staged1':
      return staged(1)
    case 'staged4':
      return staged(4)
    case 'staged16':
      return staged(16)
    case 'quads16':
      return quadTile(1, 1, isSoftware ? 1 : 16)
    case 'quads32':
      return quadTile(2, 2, isSoftware ? 1 : 16)
    case 'shared64':
      return SHARED
  }
}

export function bucketOfRows(rows: number): RowBucket {
  if (rows === 1) return 'one'
  if (rows <= 4) return 'few'
  return rows <= 16 ? 'some' : 'many'
}

/**
 * Designs worth a trial, the one used without a trial first. Where both operands lie along the reduction, few rows leave
 * `narrow` reading columns far apart; a GPU may want them staged. Across it neighbours are read together anyway.
 */
export function candidates(
  gpu: Gpu,
  bucket: RowBucket,
  layout: ProductLayout,
  subgroups: boolean,
): MatmulDesign[] {
  const { isSoftware } = gpu.profile
  const isStageable = !isSoftware && canStage(layout)
  if (bucket === 'one' && !layout.leftTransposed) return isStageable ? ['staged1', 'narrow1'] : ['narrow1']
  if (bucket === 'one' || bucket === 'few') return isStageable ? ['staged4', 'narrow4'] : ['narrow4']
  if (bucket === 'some') {
    if (!isSoftware) {
      const designs: MatmulDesign[] = ['shared64', 'narrow4']
      if (isStageable) designs.push('staged16')
      return subgroups ? [...designs, 'quads16'] : designs
    }
    return subgroups ? ['quads16', 'narrow4'] : ['narrow4', 'shared64']
  }
  if (!isSoftware) return subgroups ? ['shared64', 'quads32'] : ['shared64']
  return subgroups ? ['quads32', 'quads16'] : ['narrow4', 'shared64']
}

function canStage({ leftTransposed, rightTransposed }: ProductLayout): boolean {
  return !leftTransposed && !rightTransposed
}

/** A design that was asked for, or what computes the same where it cannot take the layout or the rows. */
export function usable(design: MatmulDesign, bucket: RowBucket, layout: ProductLayout): MatmulDesign {
  const isForOne = design === 'narrow1' || design === 'staged1'
  if (isForOne && bucket !== 'one')
    return usable(design === 'narrow1' ? 'narrow4' : 'staged4', bucket, layout)
  if (design.startsWith('staged') && !canStage(layout)) return 'narrow4'
  return design === 'narrow1' && layout.leftTransposed ? 'narrow4' : design
}
