import common from '../../shaders/common/matmul.wgsl?raw'
import leftScalar from '../../shaders/common/operand.left.scalar.wgsl?raw'
import leftVec4 from '../../shaders/common/operand.left.vec4.wgsl?raw'
import rightScalar from '../../shaders/common/operand.right.scalar.wgsl?raw'
import rightVec4 from '../../shaders/common/operand.right.vec4.wgsl?raw'
import rightWeight from '../../shaders/common/operand.right.weight.wgsl?raw'
import type { Autotuner, Candidate } from '../gpu/autotune.ts'
import type { Gpu, Kernel } from '../gpu/gpu.ts'
import type { KernelSpec, ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import {
  bucketOfRows,
  candidates,
  type DesignSpec,
  designSpec,
  type MatmulDesign,
  type ProductLayout,
  type RowBucket,
  usable,
} from './matmul.designs.ts'

const COMMON: ShaderFile = { path: 'shaders/common/matmul.wgsl', source: common }
const LEFT_VEC4: ShaderFile = { path: 'shaders/common/operand.left.vec4.wgsl', source: leftVec4 }
const LEFT_SCALAR: ShaderFile = { path: 'shaders/common/operand.left.scalar.wgsl', source: leftScalar }
const RIGHT_VEC4: ShaderFile = { path: 'shaders/common/operand.right.vec4.wgsl', source: rightVec4 }
const RIGHT_SCALAR: ShaderFile = { path: 'shaders/common/operand.right.scalar.wgsl', source: rightScalar }
const RIGHT_WEIGHT: ShaderFile = { path: 'shaders/common/operand.right.weight.wgsl', source: rightWeight }

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
    return tuner ? tune(gpu, layout, bucket, designs, options, tuner) : (designs[0] ?? REFERENCE)
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

/**
 * The fastest of some designs on a square product with as many rows as the bucket is for, of those that give `narrow4`'s very
 * bits there: the same for every bucket and layout, so that a row's result does not depend on how many rows there are.
 */
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
  const tensor = (shape: readonly number[]): Tensor => {
    held.push(gpu.tensor(shape, 'matmul trial'))
    return held.at(-1) as Tensor
  }
  /** What all designs compute with, made when one is tried. */
  const operands = (): Record<string, Tensor> => {
    const left = tensor([rows, size])
    const right = layout.weight?.sample(size, size) ?? { right: tensor([size, size]) }
    if (layout.weight) held.push(...Object.values(right))
    for (const operand of [left, ...Object.values(right)])
      gpu.stream.write(operand, sampleWords(operand.size))
    return { left, ...right, bias: left }
  }
  let shared: Record<string, Tensor> | undefined
  const candidate = (design: MatmulDesign): Candidate => {
    let out: Tensor | undefined
    return {
      name: design,
      async prepare() {
        const product = await createProduct(gpu, layout, { ...options, tuner: undefined, design })
        shared ??= operands()
        out = tensor([rows, size])
        const tensors = { ...shared, out }
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
      },
      read: async () => new Uint32Array(out ? await gpu.stream.read(out) : []),
    }
  }
  try {
    const question = `${layout.label}/${layout.format}/${bucket}`
    const choice = await tuner.choose(question, designs.map(candidate), candidate(REFERENCE))
    return designs.find((design) => design === choice) ?? REFERENCE
  } finally {
    gpu.release(...held)
  }
}

/** Computes every layout and number of rows. */
const REFERENCE: MatmulDesign = 'narrow4'

/** Words that are small numbers of both signs in every format: as f32, as two halves, and as whole numbers. */
function sampleWords(count: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(count)
  let state = 1
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[i] = ((state & 0x83ff83ff) | 0x38003800) >>> 0 // halves from 0.5 to 1
  }
  return words
}
