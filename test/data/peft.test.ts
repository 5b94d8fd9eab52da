import { describe, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import {
  currentPath,
  loraScaling,
  matchTargetModules,
  parseLoraConfig,
  readAdapterWeights,
  writeAdapter,
} from '../../src/data/peft.ts'
import defaults from '../goldens/defaults.json'
import golden from '../goldens/peft-adapter.json'
import { encodeSafetensors, f32Tensor } from '../support/safetensors.ts'

const bytes = Uint8Array.from(atob(golden.adapter.weights), (c) => c.charCodeAt(0))
const source = (file: Uint8Array<ArrayBuffer>) => blobSource(new Blob([file]), 'adapter_model.safetensors')
const config = {
  r: 2,
  lora_alpha: 4,
  lora_dropout: 0,
  use_rslora: false,
  init_lora_weights: true,
  exclude_modules: null,
}

describe('target modules are chosen as PEFT chooses them', () => {
  test.each(golden.cases)(
    '$target_modules without $exclude_modules',
    ({ target_modules, exclude_modules = null, matched }) => {
      expect(matchTargetModules({ target_modules, exclude_modules }, golden.linear).sort()).toEqual(matched)
    },
  )

  test('a pattern that matches nothing, or is none, is refused', () => {
    const choose = (target_modules: string) => () =>
      matchTargetModules({ target_modules, exclude_modules: null }, golden.linear)
    expect(choose('q_proj')).toThrow('matches none of the 29 linear layers')
    expect(choose('(q_proj')).toThrow('expected a regular expression')
    expect(choose('(?i)Q_PROJ')).toThrow('without inline flags')
  })
})

describe('adapter files', () => {
  test('written by PEFT are read', async () => {
    expect(parseLoraConfig(golden.adapter.config)).toMatchObject({
      r: 2,
      lora_alpha: 4,
      init_lora_weights: false,
    })
    const layers = await readAdapterWeights(source(bytes))
    expect([...layers.keys()].sort()).toEqual(golden.cases[4]?.matched)
    expect(layers.get('model.language_model.layers.0.self_attn.k_proj')).toMatchObject({
      loraA: { shape: [2, 8] },
      loraB: { shape: [4, 2] },
    })
  })

  test('written here have the names PEFT gives, and a pattern that matches just these layers', async () => {
    const paths = golden.cases[4]?.matched ?? []
    const layers = new Map(
      paths.map((p, i) => [
        p,
        { loraA: new Float32Array(16).fill(i), loraB: new Float32Array(p.endsWith('k_proj') ? 8 : 16) },
      ]),
    )
    const files = writeAdapter({ ...config, target_modules: 'all-linear' }, layers)
    const written = await readAdapterWeights(source(files['adapter_model.safetensors']))
    const theirs = await readAdapterWeights(source(bytes))
    const layout = (map: typeof theirs) =>
      [...map].map(([p, { loraA, loraB }]) => [p, loraA.name, loraA.shape, loraB.name, loraB.shape]).sort()
    expect(layout(written)).toEqual(layout(theirs))
    const parsed = parseLoraConfig(JSON.parse(files['adapter_config.json']))
    expect(matchTargetModules(parsed, golden.linear).sort()).toEqual(paths)
  })

  test('of older transformers are found under today’s paths', () => {
    expect(currentPath('language_model.model.layers.3.mlp.up_proj')).toBe(
      'model.language_model.layers.3.mlp.up_proj',
    )
    expect(currentPath('language_model.lm_head')).toBe('lm_head')
    expect(currentPath('model.layers.3.mlp.up_proj')).toBe('model.layers.3.mlp.up_proj')
  })

  test('with half a layer, two ranks or other weights are refused', async () => {
    const read = (tensors: Parameters<typeof encodeSafetensors>[0]) =>
      readAdapterWeights(source(encodeSafetensors(tensors)))
    const [a, b] = ['base_model.model.x.lora_A.weight', 'base_model.model.x.lora_B.weight']
    await expect(read({ [a]: f32Tensor([1, 2], [1, 2]) })).rejects.toThrow(
      'x: expected lora_A and lora_B, got lora_A only',
    )
    await expect(read({ [a]: f32Tensor([1, 2], [1, 2]), [b]: f32Tensor([1, 2], [1, 2]) })).rejects.toThrow(
      'expected one rank',
    )
    await expect(read({ 'x.weight': f32Tensor([1], [1]) })).rejects.toThrow(
      'expected only lora_A and lora_B weights, got x.weight',
    )
  })
})

describe('settings', () => {
  test('have PEFT’s defaults and scales', () => {
    // PEFT has no default for the layers of a model it does not know.
    expect(parseLoraConfig({})).toEqual({ ...defaults.lora, target_modules: 'all-linear' })
    expect(loraScaling({ r: 16, lora_alpha: 32, use_rslora: false })).toBe(2)
    expect(loraScaling({ r: 16, lora_alpha: 32, use_rslora: true })).toBe(8)
  })

  test.each([
    [{ r: 0 }, 'r: expected'],
    [{ init_lora_weights: 'pissa' }, 'init_lora_weights: expected'],
    [{ use_dora: true }, 'use_dora: only plain LoRA'],
    [{ rank_pattern: { q_proj: 4 } }, 'rank_pattern: only plain LoRA'],
    [{ bias: 'all' }, 'bias: only plain LoRA'],
    [{ peft_type: 'IA3' }, 'peft_type: expected LORA, got IA3'],
    [{ lora_alfa: 16 }, 'lora_alfa: only plain LoRA'],
  ])('%j are refused', (json, message) => {
    expect(() => parseLoraConfig(json)).toThrow(message)
  })
})
