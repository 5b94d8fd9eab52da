import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FolderSpec } from '../../../src/data/folder.ts'
import { openFolder } from '../../../src/data/folder.ts'
import { writeAdapter } from '../../../src/data/peft.ts'
import { readSafetensorsHeader } from '../../../src/data/safetensors.ts'
import { readAdapter } from '../../../src/models/adapter-files.ts'
import { readJson } from '../../../src/models/checkpoint.ts'
import { parseModelConfig } from '../../../src/models/config.ts'
import { unpackAdapter } from '../../../src/models/decoder/adapter.ts'
import type { PolicyClient } from '../../../src/pipeline/client.ts'
import golden from '../../goldens/our-adapter/golden.json'
import { expectClose } from '../../support/close.ts'
import { goldenFile, goldenFolder, goldenModel } from '../../support/goldens.ts'
import { openGoldenPolicy } from '../../support/policy.ts'

const FILES = ['adapter_config.json', 'adapter_model.safetensors']

let policy: PolicyClient
let adapter: FolderSpec

beforeAll(async () => {
  policy = (await openGoldenPolicy()).policy
  adapter = await goldenFolder('our-adapter', FILES)
  await policy.loadAdapter('ours', adapter)
})
afterAll(() => policy.close())

test('an adapter that was trained and written here gives in PEFT what it gives here', async () => {
  const images = await goldenFolder('dpo-trainer', [
    'images/0.png',
    'images/1.png',
    'images/2.png',
    'images/3.png',
  ])
  const rows = golden.rows.map(({ images: paths, prompt, completion }) => ({
    images: paths,
    prompt,
    completion,
  }))
  for (const [kind, choice] of [
    ['base', {}],
    ['adapter', { adapter: 'ours' }],
  ] as const) {
    const measured = await policy.logps({ rows, images, ...choice })
    expectClose(
      measured.flatMap(({ tokenLogps }) => tokenLogps),
      golden.rows.flatMap((row) => row[kind]),
      'decoder',
      kind,
    )
  }
})

test('what PEFT read is still what is written', async () => {
  const model = parseModelConfig(await readJson(goldenModel('dpo-trainer/model'), 'config.json'))
  const { layout, params } = await readAdapter(openFolder(adapter), model)
  expect(layout.slots.map(({ path }) => path).sort()).toEqual(golden.adapted)
  const written = writeAdapter(layout.config, unpackAdapter(layout, params))
  const source = await goldenFile('our-adapter/adapter_model.safetensors')
  const bytes = await source.read(0, source.byteLength)
  expect(written['adapter_model.safetensors']).toEqual(bytes)
  expect(await readSafetensorsHeader(source)).toHaveLength(2 * golden.adapted.length)
  const config = await readJson(openFolder(adapter), 'adapter_config.json')
  expect(JSON.parse(written['adapter_config.json'])).toEqual(config)
})
