import type { ByteSource } from '../../src/data/bytes.ts'
import type { SafetensorsDType } from '../../src/data/safetensors.ts'
import type { DecoderConfig } from '../../src/models/config.ts'
import { type DecoderTensors, expectedTensors } from '../../src/models/decoder/tensor-names.ts'

/** Range of the weights: uniform in plus and minus this, times sqrt(3), so that it is their deviation. */
const DEVIATION = 0.04

/** A checkpoint of this shape whose numbers are made while they are read: seeded, uniform matrices, norms of one. */
export function randomCheckpoint(
  config: DecoderConfig,
  dtype: Extract<SafetensorsDType, 'F32' | 'BF16'>,
): DecoderTensors {
  const tied = config.tieWordEmbeddings
  const width = dtype === 'F32' ? 4 : 2
  const names = [...expectedTensors(config)].filter(([name]) => !(tied && name === 'lm_head.weight'))
  return new Map(
    names.map(([name, shape], i) => {
      const byteLength = width * shape.reduce((product, n) => product * n, 1)
      const source = randomSource(name, byteLength, dtype, i + 1, shape.length === 1)
      return [name, { name, dtype, shape, start: 0, end: byteLength, source }]
    }),
  )
}

function randomSource(
  name: string,
  byteLength: number,
  dtype: 'F32' | 'BF16',
  seed: number,
  isNorm: boolean,
): ByteSource {
  const valueAt = (i: number): number =>
    isNorm ? 1 : DEVIATION * Math.sqrt(3) * (2 * (hash(i, seed) / 2 ** 32) - 1)
  return {
    name,
    byteLength,
    async read(start, end) {
      if (dtype === 'F32') {
        const values = Float32Array.from({ length: (end - start) / 4 }, (_, i) => valueAt(start / 4 + i))
        return new Uint8Array(values.buffer)
      }
      const halves = new Uint16Array((end - start) / 2)
      const float = new Float32Array(1)
      const bits = new Uint32Array(float.buffer)
      for (let i = 0; i < halves.length; i++) {
        float[0] = valueAt(start / 2 + i)
        halves[i] = (bits[0] as number) >>> 16
      }
      return new Uint8Array(halves.buffer)
    },
  }
}

/** A 32-bit mixing of a counter (the finaliser of MurmurHash3). */
function hash(i: number, seed: number): number {
  let h = Math.imul(i, 0x9e37_79b1) ^ Math.imul(seed, 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return (h ^ (h >>> 16)) >>> 0
}
