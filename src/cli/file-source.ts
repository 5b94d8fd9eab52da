import { open, stat } from 'node:fs/promises'
import type { ByteSource } from '../data/bytes.ts'

/** A file of this computer, read piece by piece. */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path)
  return {
    name: path,
    byteLength: size,
    async read(start, end) {
      const file = await open(path)
      try {
        const bytes = new Uint8Array(end - start)
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
        return bytes.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
  }
}
