import { expect, test } from 'vitest'
import { dequantize } from './dequantize.ts'

const none = new ArrayBuffer(0)

test('the reference reads each format bit by bit', () => {
  const int4 = Uint32Array.of(0x8765_4321, 0, 0, 0).buffer
  const read = {
    format: 'int4',
    scaleFormat: 'f32',
    shape: [1, 8],
    data: int4,
    scales: Float32Array.of(0.5).buffer,
  } as const
  expect([...dequantize(read)]).toEqual([0.5, 1, 1.5, 2, 2.5, 3, 3.5, -4])
  const int8 = Uint32Array.from({ length: 8 }, (_, i) => (i === 0 ? 0xff80_7f01 : 0)).buffer
  const halfOfOne = Uint16Array.of(0x3c00, 0).buffer
  expect([
    ...dequantize({ format: 'int8', scaleFormat: 'f16', shape: [1, 4], data: int8, scales: halfOfOne }),
  ]).toEqual([1, 127, -128, -1])
  const f16 = Uint32Array.of(0xc000_3c00, 0, 0, 0).buffer
  expect([
    ...dequantize({ format: 'f16', scaleFormat: 'f16', shape: [1, 2], data: f16, scales: none }),
  ]).toEqual([1, -2])
  const f32 = Float32Array.of(1, 2, 3, 0, 4, 5, 6, 0).buffer
  expect([
    ...dequantize({ format: 'f32', scaleFormat: 'f16', shape: [2, 3], data: f32, scales: none }),
  ]).toEqual([1, 2, 3, 4, 5, 6])
})

test('a nibble read from the wrong end is caught', () => {
  const data = Uint32Array.of(0x1234_5678, 0, 0, 0).buffer
  const read = {
    format: 'int4',
    scaleFormat: 'f32',
    shape: [1, 8],
    data,
    scales: Float32Array.of(1).buffer,
  } as const
  expect([...dequantize(read)]).not.toEqual([1, 2, 3, 4, 5, 6, 7, -8])
})
