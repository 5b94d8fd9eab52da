/** A tensor to be written into a test checkpoint. */
export interface FakeTensor {
  dtype: string
  shape: number[]
  bytes: Uint8Array
}

/** Encodes a safetensors file; `edit` may damage the header before it is written. */
export function encodeSafetensors(
  tensors: Record<string, FakeTensor>,
  edit: (header: Record<string, unknown>) => unknown = (header) => header,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] }
    offset += bytes.length
  }
  const text = new TextEncoder().encode(JSON.stringify(edit(header)))
  const file = new Uint8Array(8 + text.length + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  let at = 8 + text.length
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}

/** An f32 tensor of the given values. */
export function f32Tensor(shape: number[], values: ArrayLike<number>): FakeTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) }
}
