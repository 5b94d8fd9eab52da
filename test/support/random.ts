/** Seeded random numbers for tests (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** Whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n)
  }

  /** Standard normal numbers times `scale`, rounded to f32 so that every reference sees what the GPU sees. */
  normals(length: number, scale = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
      return scale * radius * Math.cos(2 * Math.PI * this.uniform())
    })
  }

  /** Whole numbers in [0, n). */
  indices(length: number, n: number): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length }, () => this.below(n))
  }
}
