import type { Gpu, Kernel } from '../../src/gpu/gpu.ts'
import type { Tensor } from '../../src/gpu/tensor.ts'
import source from './ceilings.wgsl?raw'
import { type MeasureOptions, measure } from './measure.ts'
import type { Runner } from './problem.ts'

/** What the adapter reached with nothing in the way. */
export interface Ceilings {
  /** Multiply-adds in registers, f32, each counted as two operations. */
  gflops: number
  /** Copy between buffers larger than any cache, read plus written. */
  gbPerSecond: number
}

/** 4 steps of 8 chains of vec4, a multiply and an add each: see the shader. */
const FLOPS_PER_ITERATION = 4 * 8 * 4 * 2
const ITERATIONS = 256
const GROUPS = 512
const COPY_BYTES = 64 * 2 ** 20
const VECTORS_PER_GROUP = 64 * 16

/**
 * The runners of the ceilings, to be timed among others: on a busy machine a ceiling measured at another moment
 * belongs to another machine.
 */
export interface CeilingProbe {
  /** The faster kind of multiply-add and the faster kind of copy. */
  readonly runners: readonly [arithmetic: Runner, copy: Runner]
  /** What times of one run of each mean. */
  ceilings(arithmeticMs: number, copyMs: number): Ceilings
  /** What was reached when the probe was opened, each at its best. */
  readonly initial: Ceilings
}

/** Compiles the probe and chooses its runners by timing them. */
export async function openCeilings(gpu: Gpu, options: MeasureOptions): Promise<CeilingProbe> {
  const compile = (entryPoint: string): Promise<Kernel> =>
    gpu.kernel({
      label: `ceiling.${entryPoint}`,
      shader: { path: 'bench/harness/ceilings.wgsl', source },
      entryPoint,
    })
  const src = gpu.tensor([COPY_BYTES / 4], 'ceiling.src')
  const dst = gpu.tensor([COPY_BYTES / 4], 'ceiling.dst')
  // Factors below 1, so that the chains stay finite and away from subnormal numbers.
  gpu.stream.write(src, new Float32Array(COPY_BYTES / 4).fill(0.5))
  const [unfused, fused, copy] = await Promise.all([
    compile('multiply_add'),
    compile('multiply_add_fused'),
    compile('copy'),
  ])
  const flops = GROUPS * 64 * ITERATIONS * FLOPS_PER_ITERATION
  const arithmetic = await fastest(
    [unfused, fused].map((kernel) => runnerOf(gpu, () => recordArithmetic(kernel, src, dst, flops))),
    options,
  )
  const copying = await fastest(
    [runnerOf(gpu, () => recordCopy(copy, src, dst)), runnerOf(gpu, () => gpu.stream.copy(src, dst))],
    options,
  )
  const ceilings = (arithmeticMs: number, copyMs: number): Ceilings => ({
    gflops: flops / arithmeticMs / 1e6,
    gbPerSecond: (2 * COPY_BYTES) / copyMs / 1e6,
  })
  return {
    runners: [arithmetic.runner, copying.runner],
    ceilings,
    initial: ceilings(arithmetic.bestMs, copying.bestMs),
  }
}

/** The runner with the smallest best time. */
async function fastest(
  runners: readonly Runner[],
  options: MeasureOptions,
): Promise<{ runner: Runner; bestMs: number }> {
  const timings = await measure(runners, options)
  const ranked = runners
    .map((runner, i) => ({ runner, bestMs: timings[i]?.bestMs ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => a.bestMs - b.bestMs)
  if (!ranked[0]) throw new Error('expected runners to choose from')
  return ranked[0]
}

function recordArithmetic(kernel: Kernel, src: Tensor, dst: Tensor, flops: number): void {
  kernel.dispatch({ src, dst }, { iterations: ITERATIONS, length: 0 }, [GROUPS, 1, 1], { flops, bytes: 0 })
}

function recordCopy(kernel: Kernel, src: Tensor, dst: Tensor): void {
  const length = COPY_BYTES / 16
  kernel.dispatch({ src, dst }, { iterations: 0, length }, [Math.ceil(length / VECTORS_PER_GROUP), 1, 1], {
    flops: 0,
    bytes: 2 * COPY_BYTES,
  })
}

function runnerOf(gpu: Gpu, run: () => void): Runner {
  return { run, sync: () => gpu.stream.idle(), read: async () => ({}), close: () => undefined }
}
