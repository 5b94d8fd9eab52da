import common from '../../shaders/common/matmul.wgsl?raw'
import leftScalar from '../../shaders/common/operand.left.scalar.wgsl?raw'
import leftVec4 from '../../shaders/common/operand.left.vec4.wgsl?raw'
import rightScalar from '../../shaders/common/operand.right.scalar.wgsl?raw'
import rightVec4 from '../../shaders/common/operand.right.vec4.wgsl?raw'
import rightWeight from '../../shaders/common/operand.right.weight.wgsl?raw'
import quads from '../../shaders/matmul.quads.wgsl?raw'
import stagedSource from '../../shaders/matmul.staged.wgsl?raw'
import plain from '../../shaders/matmul.wgsl?raw'
import type { Autotuner } from '../gpu/autotune.ts'
import type { Gpu, Kernel } from '../gpu/gpu.ts'
import type { KernelSpec, ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'

/** Ways to compute a matrix product (see the shaders); all give the same bits. */
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

/** One product ready to be recorded. */
export interface Product {
  /** Design by bucket, for records of how a result came about. */
  readonly designs: Readonly<Record<RowBucket, MatmulDesign>>
  record(
    tensors: Readonly<Record<string, Tensor>>,
    params: ProductParams,
    alignment: { leftCols: number; rightCols: number },
    bytes: number,
  ): void
}

export interface ProductParams {
  rows: number
  cols: number
  steps: number
  /** Elements in a stored row of the left operand. */
  left_cols: number
  /** vec4s in a stored row of the right operand; unused where its rows are not whole vec4s. */
  right_quads: number
  has_bias: 0 | 1
  accumulate: 0 | 1
  scale: number
}

interface DesignSpec {
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
const COMMON: ShaderFile = { path: 'shaders/common/matmul.wgsl', source: common }
const LEFT_VEC4: ShaderFile = { path: 'shaders/common/operand.left.vec4.wgsl', source: leftVec4 }
const LEFT_SCALAR: ShaderFile = { path: 'shaders/common/operand.left.scalar.wgsl', source: leftScalar }
const RIGHT_VEC4: ShaderFile = { path: 'shaders/common/operand.right.vec4.wgsl', source: rightVec4 }
const RIGHT_SCALAR: ShaderFile = { path: 'shaders/common/operand.right.scalar.wgsl', source: rightScalar }
const RIGHT_WEIGHT: ShaderFile = { path: 'shaders/common/operand.right.weight.wgsl', source: rightWeight }

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
function designSpec(gpu: Gpu, design: MatmulDesign): DesignSpec {
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
function candidates(gpu: Gpu, bucket: RowBucket, layout: ProductLayout, subgroups: boolean): MatmulDesign[] {
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
function usable(design: MatmulDesign, bucket: RowBucket, layout: ProductLayout): MatmulDesign {
  const isForOne = design === 'narrow1' || design === 'staged1'
  if (isForOne && bucket !== 'one')
    return usable(design === 'narrow1' ? 'narrow4' : 'staged4', bucket, layout)
  if (design.startsWith('staged') && !canStage(layout)) return 'narrow4'
  return design === 'narrow1' && layout.leftTransposed ? 'narrow4' : design
}

function compile(
  gpu: Gpu,
  layout: ProductLayout,
  design: DesignSpec,
  leftAligned: boolean,
  rightAligned: boolean,
): Promise<Kernel> {
  const right = layout.weight
    ? [...layout.weight.files, RIGHT_WEIGHT]
    : [rightAligned ? RIGHT_VEC4 : RIGHT_SCALAR]
  const spec: KernelSpec = {
    label: layout.label,
    shader: design.shader,
    entryPoint: design.entryPoint,
    common: [...right, leftAligned ? LEFT_VEC4 : LEFT_SCALAR, COMMON],
    consts: {
      LEFT_TRANSPOSED: layout.leftTransposed ? 1 : 0,
      RIGHT_TRANSPOSED: layout.rightTransposed ? 1 : 0,
      ...design.consts,
    },
  }
  return gpu.kernel(design.subgroups ? { ...spec, enable: ['subgroups'] } : spec)
}

export interface ProductOptions {
  subgroups: boolean
  /** Times designs and picks; default the first candidate. */
  tuner?: Autotuner | undefined
  /** Uses this one for all shapes, as far as it can take them; default chosen. */
  design?: MatmulDesign | undefined
}

/** Compiles one layout of product for every bucket of row counts, and for operands whose rows are not whole vec4s. */
export async function createProduct(
  gpu: Gpu,
  layout: ProductLayout,
  options: ProductOptions,
): Promise<Product> {
  const { tuner, design: forced, subgroups } = options
  const pick = async (bucket: RowBucket): Promise<MatmulDesign> => {
    if (forced) return usable(forced, bucket, layout)
    const designs = candidates(gpu, bucket, layout, subgroups)
    return tuner ? tune(gpu, layout, bucket, designs, options, tuner) : (designs[0] ?? 'narrow4')
  }
  const [one, few, some, many] = await Promise.all([pick('one'), pick('few'), pick('some'), pick('many')])
  const designs = { one, few, some, many }
  const names = [...new Set(Object.values(designs))]
  const aligned = new Map(
    await Promise.all(
      names.map(async (name) => {
        const spec = designSpec(gpu, name)
        return [name, { spec, kernel: await compile(gpu, layout, spec, true, true) }] as const
      }),
    ),
  )
  const unalignedSpec = designSpec(gpu, 'narrow4')
  const unaligned = { spec: unalignedSpec, kernel: await compile(gpu, layout, unalignedSpec, false, false) }
  return {
    designs,
    record(tensors, params, { leftCols, rightCols }, bytes) {
      const isAligned = leftCols % 4 === 0 && (layout.weight !== undefined || rightCols % 4 === 0)
      const { kernel, spec } =
        (isAligned ? aligned.get(designs[bucketOfRows(params.rows)]) : undefined) ?? unaligned
      kernel.dispatch(
        tensors,
        { ...params },
        [Math.ceil(params.cols / spec.tile[1]), Math.ceil(params.rows / spec.tile[0]), 1],
        { flops: 2 * params.rows * params.cols * params.steps, bytes },
      )
    },
  }
}

/** The fastest of some designs on a square product with as many rows as the bucket is for. */
async function tune(
  gpu: Gpu,
  layout: ProductLayout,
  bucket: RowBucket,
  designs: readonly MatmulDesign[],
  options: ProductOptions,
  tuner: Autotuner,
): Promise<MatmulDesign> {
  const { isSoftware } = gpu.profile
  const size = isSoftware ? 256 : 1024
  const rows = { one: 1, few: 4, some: 16, many: isSoftware ? 64 : 512 }[bucket]
  const held: Tensor[] = []
  const zeros = (shape: readonly number[], label: string): Tensor => {
    const tensor = gpu.tensor(shape, label)
    held.push(tensor)
    return tensor
  }
  const prepare = async (design: MatmulDesign): Promise<() => void> => {
    const product = await createProduct(gpu, layout, { ...options, tuner: undefined, design })
    const left = zeros([rows, size], 'matmul trial')
    const right = layout.weight?.sample(size, size) ?? { right: zeros([size, size], 'matmul trial') }
    if (layout.weight) held.push(...Object.values(right))
    for (const tensor of [left, ...Object.values(right)]) gpu.stream.clear(tensor)
    const tensors = { left, ...right, bias: left, out: zeros([rows, size], 'matmul trial') }
    // Rows of 4 * right_quads elements; formats with longer padding have none at this size.
    const params = { rows, cols: size, steps: size, left_cols: size, right_quads: size / 4 }
    const stored = layout.leftTransposed ? { ...params, left_cols: rows } : params
    return () =>
      product.record(
        tensors,
        { ...stored, has_bias: 0, accumulate: 0, scale: 1 },
        { leftCols: stored.left_cols, rightCols: size },
        4 * (2 * rows * size + size * size),
      )
  }
  try {
    const choice = await tuner.choose(
      `${layout.label}/${layout.format}/${bucket}`,
      designs.map((design) => ({ name: design, prepare: () => prepare(design) })),
    )
    return designs.find((design) => design === choice) ?? 'narrow4'
  } finally {
    gpu.release(...held)
  }
}
