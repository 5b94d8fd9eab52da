import { describe, expect, test } from 'vitest'
import { parseLoraConfig } from '../../../src/data/peft.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import { adapterLayout, initialAdapter, unpackAdapter } from '../../../src/models/decoder/adapter.ts'
import golden from '../../goldens/lora-init.json'

const { layers, inputs, outputs, rank } = golden.shape
/** `down` has the golden's sizes: from the MLP's width to the hidden size. */
const model = parseModelConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: outputs,
  intermediate_size: inputs,
  num_hidden_layers: layers,
  num_attention_heads: 4,
})

function statistics(values: readonly number[]): { std: number; max: number; mean: number } {
  const mean = values.reduce((total, value) => total + value, 0) / values.length
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0)
  return {
    mean,
    std: Math.sqrt(squares / values.length),
    max: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  }
}

describe.each(golden.cases)('init_lora_weights $init_lora_weights', ({ init_lora_weights, A, B }) => {
  const config = { r: rank, target_modules: ['down_proj'], init_lora_weights }
  const layout = adapterLayout(model, parseLoraConfig(config))
  const matrices = [...unpackAdapter(layout, initialAdapter(layout, 5)).values()]

  test.each([
    ['A', A],
    ['B', B],
  ] as const)('draws %s as PEFT does', (side, expected) => {
    const values = matrices.flatMap((one) => [...(side === 'A' ? one.loraA : one.loraB)])
    expect(values).toHaveLength(layers * rank * (side === 'A' ? inputs : outputs))
    const found = statistics(values)
    const spread = Math.max(expected.std, 1e-30)
    expect(Math.abs(found.std - expected.std)).toBeLessThanOrEqual(0.02 * expected.std)
    expect(Math.abs(found.mean - expected.mean)).toBeLessThanOrEqual(0.02 * spread)
    // Of a uniform distribution the ends are sharp, of a normal one the largest of so many numbers is near 4.2 deviations.
    expect(Math.abs(found.max - expected.max)).toBeLessThanOrEqual(0.15 * expected.max)
  })

  test('draws each matrix and each seed anew', () => {
    expect(matrices[0]?.loraA).not.toEqual(matrices[1]?.loraA)
    expect(initialAdapter(layout, 5)).toEqual(initialAdapter(layout, 5))
    expect(initialAdapter(layout, 6)).not.toEqual(initialAdapter(layout, 5))
  })
})
