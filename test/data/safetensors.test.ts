import { describe, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import { readSafetensorsHeader } from '../../src/data/safetensors.ts'
import { type ModelFiles, readCheckpoint } from '../../src/models/checkpoint.ts'
import { Random } from '../support/random.ts'
import { encodeSafetensors, f32Tensor } from '../support/safetensors.ts'

const tensors = {
  a: f32Tensor([2, 3], [1, 2, 3, 4, 5, 6]),
  b: { dtype: 'BF16', shape: [4], bytes: new Uint8Array(8) },
  empty: f32Tensor([0, 3], []),
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>

async function read(file: Uint8Array<ArrayBuffer>) {
  return await readSafetensorsHeader(blobSource(new Blob([file]), 'model.safetensors'))
}

function damaged(edit: (header: Header) => unknown): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(tensors, (header) => edit(header as Header) ?? header)
}

test('lists every tensor with its place in the file', async () => {
  const file = encodeSafetensors(tensors)
  const entries = await read(file)
  expect(entries.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['a', 'F32', [2, 3]],
    ['b', 'BF16', [4]],
    ['empty', 'F32', [0, 3]],
  ])
  const a = entries[0]
  expect(a && new Float32Array(file.slice(a.start, a.end).buffer)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
  expect(entries[1]?.end).toBe(file.length)
})

describe('refuses a file that', () => {
  const set = (name: string, change: Partial<Header[string]>) =>
    damaged((h) => {
      Object.assign(h[name] ?? {}, change)
    })
  const whole = encodeSafetensors(tensors)
  const absurd = Uint8Array.from(whole)
  new DataView(absurd.buffer).setBigUint64(0, 2n ** 60n, true)
  const long = Uint8Array.from(whole)
  new DataView(long.buffer).setBigUint64(0, 90_000n, true)
  test.each([
    ['is almost empty', whole.slice(0, 5), 'expected at least 8 bytes, got 5'],
    ['is cut short', whole.slice(0, -1), 'expected the tensors to end with the file'],
    ['has bytes to spare', Uint8Array.from([...whole, 0]), 'expected the tensors to end with the file'],
    ['has an absurd header', absurd, 'expected a header of at most 100000000 bytes'],
    ['is shorter than its header', long, 'expected a header of 90000 bytes in the file'],
    ['has a header that is no object', damaged(() => [1]), 'expected the header to be a JSON object'],
    ['has an unknown number type', set('a', { dtype: 'F12' }), 'a: expected dtype to be one of'],
    ['has an inherited number type', set('a', { dtype: 'toString' }), 'a: expected dtype to be one of'],
    ['has a negative size', set('a', { shape: [-2, -3] }), 'a: expected shape to be a list of whole numbers'],
    ['has a shape that does not fit', set('a', { shape: [2, 4] }), 'a: expected 32 bytes for F32 (2, 4)'],
    ['has odd offsets', set('a', { data_offsets: [24, 0] }), 'a: expected 24 bytes'],
    ['has overlapping tensors', set('b', { data_offsets: [16, 24] }), 'b overlaps a'],
    ['leaves a gap', set('b', { data_offsets: [28, 36] }), 'b leaves a gap after'],
    ['points past its end', set('empty', { data_offsets: [2 ** 40, 2 ** 40] }), 'empty leaves a gap after'],
  ])('%s', async (_, file, message) => {
    await expect(read(file)).rejects.toThrow(`model.safetensors: ${message}`)
  })

  test('has any of 300 random bytes of its header changed, or still reads sizes that fit', async () => {
    const random = new Random(5)
    const headerEnd = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true))
    for (let i = 0; i < 300; i++) {
      const file = Uint8Array.from(whole)
      file[random.below(headerEnd)] = random.below(256)
      try {
        for (const entry of await read(file)) expect(entry.end).toBeLessThanOrEqual(file.length)
      } catch (error) {
        expect((error as Error).name).toBe('SafetensorsError')
      }
    }
  })
})

describe('a checkpoint', () => {
  function folder(files: Record<string, Uint8Array<ArrayBuffer> | object>): ModelFiles {
    return {
      name: 'folder',
      open: async (path) => {
        const file = files[path]
        if (!file) return undefined
        const part = file instanceof Uint8Array ? file : JSON.stringify(file)
        return blobSource(new Blob([part]), path)
      },
    }
  }
  const one = encodeSafetensors({ a: tensors.a })
  const two = encodeSafetensors({ b: tensors.b })
  const index = (map: Record<string, string>) => ({ 'model.safetensors.index.json': { weight_map: map } })

  test('is one file', async () => {
    const entries = await readCheckpoint(folder({ 'model.safetensors': encodeSafetensors(tensors) }))
    expect([...entries.keys()]).toEqual(['a', 'b', 'empty'])
  })

  test('or several with an index', async () => {
    const entries = await readCheckpoint(
      folder({ 'one.st': one, 'two.st': two, ...index({ a: 'one.st', b: 'two.st' }) }),
    )
    expect([...entries].map(([name, { source }]) => [name, source.name])).toEqual([
      ['a', 'one.st'],
      ['b', 'two.st'],
    ])
  })

  test('with a missing shard, a misplaced tensor or nothing at all is refused', async () => {
    await expect(
      readCheckpoint(folder({ 'one.st': one, ...index({ a: 'one.st', b: 'two.st' }) })),
    ).rejects.toThrow('model.safetensors.index.json names two.st, which is missing')
    await expect(readCheckpoint(folder({ 'one.st': one, ...index({ b: 'one.st' }) }))).rejects.toThrow(
      'says that b is here; it is not',
    )
    await expect(readCheckpoint(folder({}))).rejects.toThrow('found neither')
  })
})
