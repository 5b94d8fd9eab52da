import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideBrowser } from '../../src/cli/browser.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
import type { EvaluateSummary } from '../../src/pipeline/stages/evaluate.ts'
import { judged } from '../support/evaluation.ts'
import { clipDpo, type Ended } from '../support/program.ts'

const MODEL = 'public/models/emoji-llava'
const CLIP = 'public/models/emoji-clip'
const PICTURES = 'public/data/emoji-scenes/data/train-00000-of-00001.parquet'

let folder: string
/** The tiny recipe with questions and a seed of its own. */
let TINY: string
const at = (...names: string[]): string => join(folder, ...names)
const text = (...names: string[]): string => readFileSync(at(...names), 'utf8')
const lines = (...names: string[]): Record<string, unknown>[] =>
  text(...names)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
const bytes = (...names: string[]): string => readFileSync(at(...names)).toString('base64')

async function succeed(...args: string[]): Promise<Ended> {
  const ended = await clipDpo(args)
  expect(ended.code, ended.stderr).toBe(0)
  return ended
}

beforeAll(() => {
  provideBrowser()
  folder = mkdtempSync(join(tmpdir(), 'stages-'))
  TINY = at('recipe.json')
  const { caption, ...tiny } = JSON.parse(readFileSync('recipes/tiny.json', 'utf8')) as { caption: object }
  writeFileSync(TINY, JSON.stringify({ ...tiny, seed: 3, caption: { ...caption, questions: {} } }))
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('stage by stage on the command line', { timeout: 1_200_000 }, () => {
  const caption = (out: string) => [
    ...['caption', '--model', MODEL, '--images', PICTURES, '--limit', '8'],
    ...['--recipe', TINY, '--out', at(out)],
  ]

  test('comes to what the whole recipe comes to', async () => {
    await succeed('run', TINY, '--out', at('run'))

    const captioned = await succeed(...caption('chain'))
    expect(captioned.stdout).toMatch(/captions\.jsonl: \d+ candidates/)
    expect(captioned.stderr).toMatch(/^caption: done in/m)
    expect(lines('chain', 'captions.jsonl')).toEqual(lines('run', 'captions.jsonl'))

    await succeed(
      ...['score', '--clip', CLIP, '--data', at('chain', 'captions.jsonl')],
      ...['--recipe', TINY, '--out', at('scored')],
    )
    const scores = lines('scored', 'scores.jsonl')
    expect(scores).toEqual(lines('run', 'scores.jsonl'))
    expect(scores[0]).toMatchObject({ scores: { clip: expect.any(Number) }, rank: expect.any(Number) })

    const paired = await succeed(
      ...['pair', '--data', at('scored', 'scores.jsonl'), '--recipe', TINY, '--out', at('pairs')],
    )
    expect(paired.stdout).toMatch(/length ratio/)
    const pairs = lines('pairs', 'pairs.jsonl')
    expect(pairs).toEqual(lines('run', 'pairs.jsonl'))
    for (const { images } of pairs) expect(bytes('pairs', String(images))).toBe(bytes('run', String(images)))
    expect(text('pairs', 'funnel.json')).toBe(text('run', 'funnel.json'))

    const { train, seed } = JSON.parse(readFileSync(TINY, 'utf8')) as { train: object; seed: number }
    writeFileSync(at('train.json'), JSON.stringify({ seed, ...train }))
    await succeed(
      ...['train', '--model', MODEL, '--data', at('pairs', 'pairs.jsonl')],
      ...['--config', at('train.json'), '--out', at('adapter')],
    )
    expect(bytes('adapter', 'adapter_model.safetensors')).toBe(
      bytes('run', 'adapter', 'adapter_model.safetensors'),
    )

    const heldout = ['--data', 'embedded:emoji-scenes/heldout', '--limit', '8', '--recipe', TINY]
    const evaluated = await succeed(
      ...['evaluate', '--model', MODEL, '--adapter', at('adapter'), ...heldout, '--out', at('evaluated')],
    )
    expect(evaluated.stdout).toMatch(/CHAIR[\s\S]*control C/)
    expect(text('evaluated', 'evaluation.json')).toBe(text('run', 'evaluation.json'))

    const alone = await succeed('evaluate', '--model', MODEL, ...heldout, '--out', at('evaluated'))
    expect(alone.stderr).toMatch(/evaluate before: kept from before/)
    const { evaluation } = JSON.parse(text('evaluated', 'evaluation.json')) as {
      evaluation: { before: unknown }
    }
    const { before } = (JSON.parse(text('run', 'evaluation.json')) as { evaluation: { before: unknown } })
      .evaluation
    expect(evaluation).toEqual({ images: 8, before })
  })

  test('a model is evaluated on AMBER’s own files, whose pictures may be links', async () => {
    mkdirSync(at('amber', 'pictures'), { recursive: true })
    const json = (name: string, value: unknown) => writeFileSync(at('amber', name), JSON.stringify(value))
    readdirSync(at('run', 'images'))
      .slice(0, 2)
      .forEach((hash, i) => {
        symlinkSync(at('run', 'images', hash), at('amber', 'pictures', `AMBER_${i + 1}.jpg`))
      })
    json('relation.json', { dog: ['puppy'], cat: [], tree: [] })
    json('annotations.json', [
      { id: 1, type: 'generative', truth: ['dog', 'tree'], hallu: ['cat'] },
      { id: 2, type: 'generative', truth: ['cat'], hallu: [] },
      { id: 3, type: 'discriminative-hallucination', truth: 'no', hallu: ['cat'] },
    ])
    const query = (id: number, image: number, text: string) => ({
      id,
      image: `AMBER_${image}.jpg`,
      query: text,
    })
    json('query_all.json', [
      query(1, 1, 'Describe this image.'),
      query(2, 2, 'Describe this image.'),
      query(3, 1, 'Is there a cat in this image?'),
    ])
    const ended = await succeed(
      ...['evaluate', '--model', MODEL, '--adapter', at('run', 'adapter'), '--data', at('amber')],
      ...['--recipe', TINY, '--out', at('amber-out')],
    )
    const { evaluation } = JSON.parse(text('amber-out', 'evaluation.json')) as EvaluateSummary
    expect(evaluation).toMatchObject({
      images: 2,
      after: { yesNo: { accuracy: { value: expect.any(Number) } } },
    })
    expect(ended.stderr).toMatch(/^Which pictures the adapter was trained on is not known/m)
    const { delta, controls } = judged(evaluation)
    for (const { low, value, high } of [delta.cover, controls.C.metrics.chair])
      expect(low <= value && value <= high).toBe(true)
  })

  test('a model is evaluated on questions as POPE has them, several to a picture', async () => {
    mkdirSync(at('pope', 'val2014'), { recursive: true })
    const hashes = readdirSync(at('run', 'images')).slice(0, 2)
    for (const [i, hash] of hashes.entries())
      symlinkSync(at('run', 'images', hash), at('pope', 'val2014', `COCO_${i}.jpg`))
    const rows = ['dog', 'cat', 'tree', 'car'].flatMap((noun, i) =>
      hashes.map((_, image) => ({
        question_id: 2 * i + image + 1,
        image: `COCO_${image}.jpg`,
        text: `Is there a ${noun} in the image?`,
        label: i % 2 === 0 ? 'yes' : 'no',
      })),
    )
    writeFileSync(at('pope', 'coco_pope_random.json'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const recipe = JSON.parse(readFileSync(TINY, 'utf8')) as { evaluate: object }
    writeFileSync(
      at('pope.json'),
      JSON.stringify({ ...recipe, evaluate: { ...recipe.evaluate, questions: null } }),
    )
    const ended = await succeed(
      ...['evaluate', '--model', MODEL, '--data', at('pope')],
      ...['--recipe', at('pope.json'), '--out', at('pope-out')],
    )
    expect(ended.stdout).toMatch(/F1 of yes \(POPE\) +\d/)
    const { evaluation } = JSON.parse(text('pope-out', 'evaluation.json')) as {
      evaluation: { images: number; before: MetricTable }
    }
    const { yesNo, chair } = evaluation.before
    expect(evaluation.images).toBe(2)
    expect(chair).toBeUndefined()
    // Four questions to each of two pictures.
    expect((yesNo?.accuracy.value ?? Number.NaN) % 12.5).toBe(0)
  })

  test('a text model beside the recipe is asked for questions, and what it writes amiss is told', async () => {
    mkdirSync(at('writer'))
    const golden = (from: string, name: string) =>
      copyFileSync(join('test/goldens', from, name), at('writer', name))
    for (const name of ['config.json', 'model.safetensors']) golden('decoders/llama', name)
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) golden('dpo-trainer/model', name)
    const { caption: settings, ...recipe } = JSON.parse(readFileSync(TINY, 'utf8')) as { caption: object }
    const writer = { source: './writer', prompt: 'describe {captions}', max_new_tokens: 8 }
    writeFileSync(
      at('written.json'),
      JSON.stringify({ ...recipe, caption: { ...settings, questions: { writer } } }),
    )
    const ended = await succeed(
      ...['caption', '--model', MODEL, '--images', PICTURES, '--limit', '2'],
      ...['--recipe', at('written.json'), '--out', at('written')],
    )
    expect(ended.stderr).toMatch(/^caption question replies: done in/m)
    expect(ended.stderr).toMatch(/^could not read a question about .+: expected a line "Question: /m)
    expect(lines('written', 'captions.jsonl').every(({ generator }) => generator === 'policy')).toBe(true)
  })

  test('broken off while it writes, the same command goes on and comes to the same', async () => {
    let isSent = false
    const stopped = await clipDpo(caption('broken'), (program, stderr) => {
      if (isSent || !/^dataset train: done/m.test(stderr)) return
      isSent = true
      program.kill('SIGINT')
    })
    expect(stopped.code, stopped.stderr).toBe(3)
    expect(stopped.stderr).toContain('the same command continues')
    const ended = await succeed(...caption('broken'))
    expect(ended.stderr).toMatch(/dataset train: kept from before/)
    expect(text('broken', 'captions.jsonl')).toBe(text('run', 'captions.jsonl'))
  })
})

describe('what is wrong is named', () => {
  test('pictures of which nothing is known, before anything is measured', async () => {
    const data = 'test/goldens/dpo-trainer/images'
    const ended = await clipDpo(['evaluate', '--model', MODEL, '--data', data, '--out', at('unknown')])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/images: expected pictures whose truth is known/)
    expect(ended.stderr).toMatch(/dataset heldout: done/)
    expect(ended.stderr).not.toMatch(/evaluate before|loading/i)
  })

  test.each([
    ['no model', ['caption', '--model', 'src', '--images', 'src', '--out', 'x'], 2, /found no config\.json/],
    ['no pictures', ['caption', '--model', MODEL, '--images', 'none', '--out', 'x'], 2, /expected pictures/],
    [
      'no data',
      ['score', '--clip', CLIP, '--data', 'none.jsonl', '--out', 'x'],
      2,
      /--data: expected a file/,
    ],
    [
      'one of two',
      ['evaluate', '--model', MODEL, '--data', 'x', '--clip', CLIP, '--out', 'x'],
      2,
      /--zero-shot/,
    ],
    ['no recipe', ['pair', '--data', 'README.md', '--recipe', 'none', '--out', 'x'], 2, /found none at none/],
  ])('%s', async (_, args, code, said) => {
    const ended = await clipDpo(args)
    expect(ended.code).toBe(code)
    expect(ended.stderr).toMatch(said)
    expect(existsSync('x')).toBe(false)
  })

  test('lines that are none, and pictures that are missing', async () => {
    writeFileSync(at('bad.jsonl'), '{"image": "a.png", "text": 3}\n')
    const bad = await clipDpo(['pair', '--data', at('bad.jsonl'), '--out', at('bad')])
    expect(bad.code).toBe(1)
    expect(bad.stderr).toMatch(/bad\.jsonl: line 1: imageHash: missing/)
    expect(existsSync(at('bad', 'pairs.jsonl'))).toBe(false)

    const row = { image: 'a.png', imageHash: '0'.repeat(64), prompt: 'What is it?', text: 'A dog.' }
    writeFileSync(at('lost.jsonl'), `${JSON.stringify(row)}\n`)
    const lost = await clipDpo(['score', '--clip', CLIP, '--data', at('lost.jsonl'), '--out', at('lost')])
    expect(lost.code).toBe(1)
    expect(lost.stderr).toMatch(/a\.png: expected the picture as images\/0+ beside the file/)
  }, 300_000)
})
