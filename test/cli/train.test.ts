import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideBrowser } from '../../src/cli/browser.ts'
import { trainHeadless } from '../../src/cli/train.ts'
import { UsageError } from '../../src/cli/usage-error.ts'
import { blobSource } from '../../src/data/bytes.ts'
import { type LoraMatrices, parseLoraConfig, writeAdapter } from '../../src/data/peft.ts'
import { readSafetensorsHeader } from '../../src/data/safetensors.ts'
import golden from '../goldens/dpo-trainer/golden.json'
import processor from '../goldens/processor/golden.json'
import { clipDpo } from '../support/program.ts'
import { expectTrlLog } from '../support/trl.ts'

const GOLDEN = fileURLToPath(new URL('../goldens/dpo-trainer/', import.meta.url))
const PARQUET = fileURLToPath(new URL('../goldens/preference-data/', import.meta.url))
const MODEL = join(GOLDEN, 'model')
const CONFIG = {
  learning_rate: 1e-3,
  max_steps: 60,
  per_device_train_batch_size: 2,
  disable_dropout: false,
  peft: { r: 4, lora_alpha: 8, lora_dropout: 0.1 },
}

let folder: string
const at = (name: string): string => join(folder, name)
const text = (name: string): string => readFileSync(at(name), 'utf8')

const trainInto = (out: string): string[] => [
  'train',
  '--model',
  MODEL,
  '--data',
  at('pairs.jsonl'),
  '--config',
  at('train.json'),
  '--out',
  at(out),
]

beforeAll(() => {
  provideBrowser()
  folder = mkdtempSync(join(tmpdir(), 'train-'))
  writeFileSync(at('train.json'), JSON.stringify(CONFIG))
  const rows = readFileSync(join(GOLDEN, 'pairs.jsonl'), 'utf8').trim().split('\n')
  const texts = rows.map((row) => {
    const { images: _, prompt, ...answers } = JSON.parse(row) as Record<string, string>
    return { prompt: prompt?.replace('<image> ', ''), ...answers }
  })
  writeFileSync(at('pairs.jsonl'), texts.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const completion = { prompt: '<s> is the dog', completion: 'near a </s>', id: 7 }
  writeFileSync(at('completions.jsonl'), `${JSON.stringify(completion)}\n`)
})

afterAll(() => rmSync(folder, { recursive: true }))

/** PEFT's folder of the adapter TRL started from. */
async function initialAdapter(out: string): Promise<void> {
  const source = blobSource(new Blob([readFileSync(join(GOLDEN, 'golden.safetensors'))]), 'golden')
  const layers = new Map<string, LoraMatrices<Float32Array>>()
  for (const entry of await readSafetensorsHeader(source)) {
    const [, path, side] = /^init\.base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(entry.name) ?? []
    if (!path) continue
    const values = new Float32Array((await source.read(entry.start, entry.end)).slice().buffer)
    const known = layers.get(path) ?? { loraA: values, loraB: values }
    layers.set(path, side === 'A' ? { ...known, loraA: values } : { ...known, loraB: values })
  }
  mkdirSync(out)
  const files = writeAdapter(parseLoraConfig(golden.config.peft), layers)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(out, name), content)
}

describe('the program', { timeout: 300_000 }, () => {
  test('equals TRL’s ten steps, and the adapter answers about an image', async () => {
    await initialAdapter(at('init'))
    const { peft: _, ...config } = golden.config
    writeFileSync(at('trl.json'), JSON.stringify(config))
    const data = join(GOLDEN, 'pairs.jsonl')
    const flags = ['--config', at('trl.json'), '--adapter', at('init'), '--no-shuffle', '--out', at('trl')]
    const { code, stderr } = await clipDpo(['train', '--model', MODEL, '--data', data, ...flags])
    expect(code, stderr).toBe(0)
    const steps = text('trl/metrics.jsonl').trim().split('\n')
    expectTrlLog(
      steps.map((line) => JSON.parse(line) as object),
      golden.log,
      golden.config.beta,
    )
    const image = join(GOLDEN, 'images/0.png')
    const prompt = ['--image', image, '--prompt', '<s> <image> is the dog near :', '-n', '2', '--seed', '3']
    const limits = ['--max-new-tokens', '6', '--adapter', at('trl'), '--out', at('answers.jsonl')]
    const written = await clipDpo(['generate', '--model', MODEL, ...prompt, ...limits])
    expect(written.code, written.stderr).toBe(0)
    const answers = text('answers.jsonl').trim().split('\n')
    expect(answers.map((line) => JSON.parse(line) as object)).toMatchObject(
      [0, 1].map((candidate) => ({ image, promptId: 'p0', generator: 'model', candidate, seed: 3 })),
    )
  })

  test('learns the same from parquet and from JSON lines, of plain texts with weights and of messages', async () => {
    cpSync(MODEL, at('chat-model'), { recursive: true })
    writeFileSync(at('chat-model/chat_template.jinja'), processor.template)
    cpSync(join(GOLDEN, 'images'), at('images'), { recursive: true })
    writeFileSync(at('few.json'), JSON.stringify({ ...CONFIG, max_steps: 2, per_device_train_batch_size: 3 }))
    const rows = readFileSync(join(GOLDEN, 'pairs.jsonl'), 'utf8')
      .split('\n')
      .slice(0, 3)
      .map((line) => JSON.parse(line) as Record<'prompt' | 'chosen' | 'rejected', string>)
    const said = (role: string, text: string) => [{ role, content: [{ type: 'text', text }] }]
    const datasets = {
      strings: rows.map((row, i) => ({ ...row, weight: [1, 0.5, 2][i] })),
      messages: rows.map(({ chosen, rejected, ...row }) => ({
        ...row,
        prompt: [
          { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'describe the picture' }] },
        ],
        chosen: said('assistant', chosen),
        rejected: said('assistant', rejected),
      })),
    }
    const metrics: Record<string, string> = {}
    for (const [name, written] of Object.entries(datasets)) {
      writeFileSync(at(`${name}.jsonl`), written.map((row) => `${JSON.stringify(row)}\n`).join(''))
      cpSync(join(PARQUET, `${name}.parquet`), at(`${name}.parquet`))
      for (const data of [`${name}.jsonl`, `${name}.parquet`]) {
        const flags = ['--data', at(data), '--config', at('few.json'), '--out', at(`from ${data}`)]
        const { code, stderr } = await clipDpo(['train', '--model', at('chat-model'), ...flags])
        expect(code, stderr).toBe(0)
        metrics[data] = text(`from ${data}/metrics.jsonl`)
      }
    }
    expect(metrics['strings.parquet']).toBe(metrics['strings.jsonl'])
    expect(metrics['messages.parquet']).toBe(metrics['messages.jsonl'])
    expect(metrics['messages.jsonl']).not.toBe(metrics['strings.jsonl'])
  })

  test('trains; stopped by a signal, it continues by the same command to the same end', async () => {
    const whole = await clipDpo(trainInto('whole'))
    expect(whole.code, whole.stderr).toBe(0)
    expect(whole.stderr).toMatch(/^GPU memory, at least:\n(.+\n)+?LlavaForConditionalGeneration on .+\n/m)
    expect(whole.stderr).toMatch(/^GPU memory:\n(.+\n)+?reference: /m)
    expect(whole.stderr).toMatch(/step: 60\/60, loss .* pairs\/s, 0 s left/)
    expect(readdirSync(at('whole')).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'metrics.jsonl',
    ])
    const steps = text('whole/metrics.jsonl').trim().split('\n')
    expect(steps).toHaveLength(60)
    expect(Object.keys(JSON.parse(steps[0] ?? '') as object).sort()).toEqual(
      Object.keys(golden.log[0] ?? {}).sort(),
    )

    let asked = false
    const stopped = await clipDpo(trainInto('parts'), (program, stderr) => {
      if (!asked && stderr.includes('step: 1/60')) asked = program.kill('SIGINT')
    })
    expect(stopped.code, stopped.stderr).toBe(3)
    expect(stopped.stderr).toContain('the same command continues')
    const first = text('parts/metrics.jsonl').trim().split('\n')
    expect(first.length).toBeLessThan(60)
    expect(existsSync(at('parts/checkpoint.safetensors'))).toBe(true)
    expect(existsSync(at('parts/.browser'))).toBe(true)
    writeFileSync(at('parts/metrics.jsonl'), `${text('parts/metrics.jsonl')}{"step": 99}\n{"step"`) // of a killed run
    const continued = await clipDpo(trainInto('parts'))
    expect(continued.code, continued.stderr).toBe(0)
    expect(text('parts/metrics.jsonl')).toBe(text('whole/metrics.jsonl'))
    expect(readFileSync(at('parts/adapter_model.safetensors'))).toEqual(
      readFileSync(at('whole/adapter_model.safetensors')),
    )
    expect(existsSync(at('parts/checkpoint.safetensors'))).toBe(false)
    expect(existsSync(at('parts/.browser'))).toBe(false)

    const measure = ['logps', '--model', MODEL, '--data', at('completions.jsonl')]
    const [base, tuned] = [await clipDpo(measure), await clipDpo([...measure, '--adapter', at('whole')])]
    const row = JSON.parse(base.stdout) as { logp: number; numTokens: number; tokenLogps: number[] }
    expect(row).toMatchObject({ id: 7, numTokens: row.tokenLogps.length })
    expect(row.tokenLogps.reduce((total, value) => total + value, 0)).toBeCloseTo(row.logp, 6)
    expect((JSON.parse(tuned.stdout) as { logp: number }).logp).not.toBe(row.logp)
  })

  test('takes the embedded model by its name', async () => {
    writeFileSync(at('two.json'), JSON.stringify({ ...CONFIG, max_steps: 2 }))
    const flags = ['--data', at('pairs.jsonl'), '--config', at('two.json'), '--out', at('embedded')]
    const { code, stderr } = await clipDpo(['train', '--model', 'embedded:emoji-llava', ...flags])
    expect(code, stderr).toBe(0)
    const adapter = JSON.parse(text('embedded/adapter_config.json')) as { r: number }
    expect(adapter.r).toBe(CONFIG.peft.r)
    const absent = await clipDpo(['train', '--model', 'embedded:nothing', ...flags])
    expect(absent.code).toBe(1)
  })

  test('fails with the row at fault', async () => {
    writeFileSync(at('bad.jsonl'), '{"prompt": "a", "chosen": 1, "rejected": "b"}\n')
    const args = trainInto('bad').map((arg) => arg.replace('pairs.jsonl', 'bad.jsonl'))
    const { code, stderr } = await clipDpo(args)
    expect(code).toBe(1)
    expect(stderr).toMatch(/bad\.jsonl: line 1: chosen: expected string, got 1\n$/)
  })
})

describe('wrong usage is seen before anything is started', () => {
  const request = () => ({
    command: 'train' as const,
    model: MODEL,
    data: at('pairs.jsonl'),
    config: at('train.json'),
    shuffle: true,
    recompute: false,
    out: at('never'),
  })

  test.each([
    ['no model', () => ({ model: at('nothing') }), 'found no config.json'],
    ['no model either', () => ({ model: folder }), 'found no config.json'],
    ['no data', () => ({ data: at('nothing') }), '--data: expected a file'],
    ['no config', () => ({ config: at('nothing') }), '--config: expected a file'],
    [
      'no adapter',
      () => ({ config: settings({ peft: undefined }), adapter: at('nothing') }),
      '--adapter: expected a folder',
    ],
    ['no JSON', () => ({ config: at('pairs.jsonl') }), '--config: '],
    ['an unknown key', () => ({ config: settings({ betta: 1 }) }), 'betta: no such setting'],
    ['a wrong peft', () => ({ config: settings({ peft: { r: 0 } }) }), 'peft: r: expected >=1, got 0'],
    [
      'no peft',
      () => ({ config: settings({ peft: undefined }) }),
      'peft: expected the settings of the new adapter',
    ],
    ['peft and adapter', () => ({ adapter: folder }), 'peft: expected absent'],
  ])('%s', async (_, change, message) => {
    const training = trainHeadless({ ...request(), ...change() })
    await expect(training).rejects.toThrow(UsageError)
    await expect(training).rejects.toThrow(message)
    expect(existsSync(at('never'))).toBe(false)
  })

  function settings(change: Record<string, unknown>): string {
    writeFileSync(at('changed.json'), JSON.stringify({ ...CONFIG, ...change }))
    return at('changed.json')
  }
})
