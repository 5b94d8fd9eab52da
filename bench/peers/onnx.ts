/** One node of an ONNX graph. */
export interface OnnxNode {
  op: string
  inputs: readonly string[]
  outputs: readonly string[]
  /** Operator domain; default ONNX's own. */
  domain?: string
  /** Whole numbers become `int`, `{ float }` becomes `float`, lists become `ints`. */
  attributes?: Readonly<Record<string, number | { float: number } | readonly number[]>>
}

export type OnnxType = 'float32' | 'int32' | 'int64'

export interface OnnxValue {
  type: OnnxType
  shape: readonly number[]
}

/** A graph whose weights are inputs; `constants` are small tensors stored in the file. */
export interface OnnxGraph {
  nodes: readonly OnnxNode[]
  inputs: Readonly<Record<string, OnnxValue>>
  outputs: Readonly<Record<string, OnnxValue>>
  constants?: Readonly<Record<string, OnnxValue & { values: readonly number[] }>>
}

const ELEMENT_TYPES: Readonly<Record<OnnxType, number>> = { float32: 1, int32: 6, int64: 7 }
const IR_VERSION = 10
const OPSET = 21

/** Writes protocol-buffer fields; field numbers are those of onnx.proto. */
class ProtoWriter {
  readonly #bytes: number[] = []

  varint(field: number, value: number): this {
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5)
    this.#bytes.push(...new Uint8Array(new Float32Array([value]).buffer))
    return this
  }

  bytes(field: number, value: Uint8Array | ProtoWriter | string): this {
    const bytes =
      typeof value === 'string'
        ? new TextEncoder().encode(value)
        : value instanceof ProtoWriter
          ? value.finish()
          : value
    this.#varint((field << 3) | 2)
    this.#varint(bytes.length)
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  #varint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest >= 128n) {
      this.#bytes.push(Number(rest & 127n) | 128)
      rest >>= 7n
    }
    this.#bytes.push(Number(rest))
  }
}

function attributeProto(name: string, value: number | { float: number } | readonly number[]): ProtoWriter {
  const proto = new ProtoWriter().bytes(1, name)
  if (typeof value === 'number') return proto.varint(3, value).varint(20, 2)
  if ('float' in value) return proto.float(2, value.float).varint(20, 1)
  for (const item of value) proto.varint(8, item)
  return proto.varint(20, 7)
}

function nodeProto(node: OnnxNode): ProtoWriter {
  const proto = new ProtoWriter()
  for (const name of node.inputs) proto.bytes(1, name)
  for (const name of node.outputs) proto.bytes(2, name)
  proto.bytes(4, node.op)
  for (const [name, value] of Object.entries(node.attributes ?? {}))
    proto.bytes(5, attributeProto(name, value))
  if (node.domain) proto.bytes(7, node.domain)
  return proto
}

function valueProto(name: string, { type, shape }: OnnxValue): ProtoWriter {
  const dims = new ProtoWriter()
  for (const n of shape) dims.bytes(1, new ProtoWriter().varint(1, n))
  const tensorType = new ProtoWriter().varint(1, ELEMENT_TYPES[type]).bytes(2, dims)
  return new ProtoWriter().bytes(1, name).bytes(2, new ProtoWriter().bytes(1, tensorType))
}

function constantProto(
  name: string,
  { type, shape, values }: OnnxValue & { values: readonly number[] },
): ProtoWriter {
  const proto = new ProtoWriter()
  for (const n of shape) proto.varint(1, n)
  const data =
    type === 'float32'
      ? Float32Array.from(values)
      : type === 'int32'
        ? Int32Array.from(values)
        : BigInt64Array.from(values, BigInt)
  return proto.varint(2, ELEMENT_TYPES[type]).bytes(8, name).bytes(9, new Uint8Array(data.buffer))
}

/** The bytes of an ONNX file holding `graph`. */
export function encodeOnnx(graph: OnnxGraph): Uint8Array {
  const body = new ProtoWriter()
  for (const node of graph.nodes) body.bytes(1, nodeProto(node))
  body.bytes(2, 'bench')
  for (const [name, constant] of Object.entries(graph.constants ?? {}))
    body.bytes(5, constantProto(name, constant))
  for (const [name, value] of Object.entries(graph.inputs)) body.bytes(11, valueProto(name, value))
  for (const [name, value] of Object.entries(graph.outputs)) body.bytes(12, valueProto(name, value))
  const opset = new ProtoWriter().bytes(1, '').varint(2, OPSET)
  const contrib = new ProtoWriter().bytes(1, 'com.microsoft').varint(2, 1)
  return new ProtoWriter().varint(1, IR_VERSION).bytes(7, body).bytes(8, opset).bytes(8, contrib).finish()
}
