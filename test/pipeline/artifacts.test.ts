import { strFromU8, unzipSync } from 'fflate'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AnswerRow, answerRows } from '../../src/pipeline/answer-rows.ts'
import { runArchive, runFile } from '../../src/pipeline/archive.ts'
import { ARTIFACT_PATHS } from '../../src/pipeline/artifact-paths.ts'
import { sendArtifacts } from '../../src/pipeline/artifacts.ts'
import type { ArchiveOptions } from '../../src/pipeline/runner.api.ts'
import type { DatasetItem } from '../../src/pipeline/stages/dataset.ts'
import { bytesOf } from '../support/store.ts'
import { hashOf, IMAGES, StoredOutputs } from '../support/stored-outputs.ts'

let outputs: StoredOutputs
beforeEach(() => {
  outputs = new StoredOutputs()
})
afterEach(() => outputs.close())

test('the files of all rounds are written, those of the last under the plain names', async () => {
  const written: string[] = []
  const files = new Map<string, Blob>()
  const run = await outputs.wholeRun()
  const send = async (path: string, body: Blob): Promise<void> => {
    written.push(path)
    files.set(path, body)
  }
  await expect(sendArtifacts(run, outputs.store, send)).rejects.toThrow('expected the picture in the store')
  const pictures = Array.from({ length: IMAGES }, (_, i) => ({ hash: hashOf(i), bytes: bytesOf(3, i) }))
  await outputs.store.images.putMany(pictures)
  await sendArtifacts(run, outputs.store, send)
  for (const { hash } of pictures) expect(written).toContain(`images/${hash}`)
  for (const mark of ['', '.round1']) {
    for (const name of ['captions', 'scores', 'pairs', 'metrics'])
      expect(written).toContain(`${name}${mark}.jsonl`)
    expect(written).toContain(`adapter${mark}/adapter_config.json`)
    const config = await files.get(`adapter${mark}/adapter_config.json`)?.text()
    expect(config).toBe(mark === '' ? '{"evaluated":1}' : '{}')
    const pairs = (await files.get(`pairs${mark}.jsonl`)?.text())?.trim().split('\n')
    expect(pairs).toHaveLength(IMAGES)
  }
  const answers = (await files.get('answers.jsonl')?.text())?.trim().split('\n') ?? []
  expect(answers).toHaveLength(IMAGES)
  expect(JSON.parse(answers[4] ?? '')).toEqual({
    image: '4.png',
    imageHash: hashOf(4),
    truth: ['cat'],
    before: {
      caption: 'a cat',
      numTokens: 2,
      finishReason: 'stop',
      answers: [{ kind: 'existence', text: 'Is there a cat?', truth: 'yes', answer: 'no' }],
      invented: ['cat'],
      grounded: [],
    },
    after: expect.objectContaining({ caption: 'A cat.', invented: [], grounded: ['cat'] }),
  })
  const recipe = JSON.parse((await files.get('recipe.json')?.text()) ?? '')
  expect(recipe).toMatchObject({ name: run.recipe.name, policy: { sha256: 'p' }, clip: { sha256: 'c' } })
  for (const path of written)
    expect(
      ARTIFACT_PATHS.some((form) => form.test(path)),
      path,
    ).toBe(true)
})

test('a zip of a run is the folder that the command line writes, and only what is asked for is made', async () => {
  const run = await outputs.wholeRun()
  const pictures = Array.from({ length: IMAGES }, (_, i) => ({ hash: hashOf(i), bytes: bytesOf(3, i) }))
  await outputs.store.images.putMany(pictures)
  const written = new Map<string, Blob>()
  await sendArtifacts(run, outputs.store, async (path, body) => void written.set(path, body))
  const unpacked = async (options: Omit<ArchiveOptions, 'folder'>) =>
    unzipSync(await (await runArchive(run, outputs.store, { folder: 'demo', ...options })).bytes())
  const whole = await unpacked({ more: [{ path: 'report.html', blob: new Blob(['<!doctype html>']) }] })
  expect(Object.keys(whole).sort()).toEqual(
    [...written.keys(), 'report.html'].map((path) => `demo/${path}`).sort(),
  )
  for (const [path, body] of written) expect(whole[`demo/${path}`]).toEqual(await body.bytes())

  const pairs = await unpacked({ parts: ['pairs.jsonl', 'images/'] })
  expect(Object.keys(pairs)).toHaveLength(1 + IMAGES)
  for (const line of strFromU8(pairs['demo/pairs.jsonl'] as Uint8Array)
    .trim()
    .split('\n'))
    for (const image of (JSON.parse(line) as { images: string[] }).images)
      expect(pairs[`demo/${image}`]?.length).toBeGreaterThan(0)

  for (const { pairs: made } of run.rounds)
    made.units.units = () => expect.fail('expected no pairs to be read')
  expect(Object.keys(await unpacked({ parts: ['adapter/'] }))).toEqual([
    'demo/adapter/adapter_config.json',
    'demo/adapter/adapter_model.safetensors',
  ])
  for (const name of ['recipe.json', 'summary.json'])
    expect(await (await runFile(run, name))?.text()).toBe(await written.get(name)?.text())
  expect(await runFile(run, 'no such file')).toBeUndefined()
})

test('what is said of pictures that are only shown comes after the answers that are judged', async () => {
  const run = await outputs.wholeRun()
  const one: DatasetItem = { name: '0.png', hash: hashOf(7), type: 'png', width: 1, height: 1 }
  const dataset = await outputs.output('datasets', [[one]], {
    ...run.dataset.summary,
    images: 1,
    withTruth: 0,
  })
  const shown = await outputs.measuredSet('shown ', dataset, [['A cat and a dog.', 'A cat.']])
  const rows: AnswerRow[] = []
  for await (const row of answerRows({ ...run, measured: [run.measured[0], shown] })) rows.push(row)
  expect(rows).toHaveLength(IMAGES + 1)
  expect(rows.at(-1)).toMatchObject({
    imageHash: hashOf(7),
    before: { caption: 'A cat and a dog.' },
    after: { caption: 'A cat.' },
  })
  expect(rows.at(-1)).not.toHaveProperty('truth')
})
