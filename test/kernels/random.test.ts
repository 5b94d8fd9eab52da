import { expect, test } from 'vitest'
import { randomShader } from '../../src/kernels/random.ts'
import { type Counter, type Key, philox4x32, uniformOf } from '../../src/method/random.ts'
import { KNOWN_ANSWERS } from '../reference/random.ts'
import { poisoned, testGpu } from '../support/gpu.ts'
import { Random } from '../support/random.ts'

const source = `
struct Params { group_offset: vec3<u32>, rows: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> inputs: array<u32>; // (rows, 6)
@group(0) @binding(1) var<storage, read_write> words: array<vec4<u32>>; // (rows, 4)
@group(0) @binding(2) var<storage, read_write> uniforms: array<vec4<f32>>; // (rows, 4)
@compute @workgroup_size(64)
fn draw(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = (workgroup.x + params.group_offset.x) * 64u + local;
  if (row >= params.rows) {
    return;
  }
  let at = row * 6u;
  let word = philox4x32(
    vec4(inputs[at], inputs[at + 1u], inputs[at + 2u], inputs[at + 3u]),
    vec2(inputs[at + 4u], inputs[at + 5u]));
  words[row] = word;
  uniforms[row] = vec4(uniform_of(word.x), uniform_of(word.y), uniform_of(word.z), uniform_of(word.w));
}`

test('the GPU draws the published numbers, and those of the twin in TypeScript', async () => {
  const gpu = await testGpu()
  const kernel = await gpu.kernel({
    label: 'random.draw',
    shader: { path: 'test/kernels/random.test.ts', source },
    entryPoint: 'draw',
    common: [randomShader],
  })
  const random = new Random(1)
  const words = () => Math.floor(random.uniform() * 2 ** 32)
  const inputs: [Counter, Key][] = KNOWN_ANSWERS.map(({ counter, key }) => [counter, key])
  for (let i = 0; i < 200; i++)
    inputs.push([
      [words(), words(), words(), words()],
      [words(), words()],
    ])
  const rows = inputs.length
  const given = gpu.upload(Uint32Array.from(inputs.flat(2)), [rows, 6], 'inputs')
  const drawn = gpu.tensor([rows, 4], 'words', 'u32')
  const uniforms = poisoned(gpu, [rows, 4], 'uniforms')
  kernel.dispatch({ inputs: given, words: drawn, uniforms }, { rows }, [Math.ceil(rows / 64), 1, 1], {
    flops: 300 * rows,
    bytes: 56 * rows,
  })
  const expected = inputs.flatMap(([counter, key]) => philox4x32(counter, key))
  const result = await gpu.readU32(drawn)
  expect([...result.subarray(0, 12)]).toEqual(KNOWN_ANSWERS.flatMap(({ answer }) => answer))
  expect([...result]).toEqual(expected)
  expect([...(await gpu.readF32(uniforms))]).toEqual(expected.map(uniformOf))
  gpu.release(given, drawn, uniforms)
})
