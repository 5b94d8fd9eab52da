import { expect, test } from 'vitest'
import { resolveModel } from '../../src/pipeline/sources.ts'

test('the hash that is told of a model is the one that a recipe asks for, however its weights are kept', async () => {
  const sources = { site: new URL('/', location.href).href }
  const { signal } = new AbortController()
  const source = 'embedded:emoji-clip'
  const found = await resolveModel({ source, weights: 'f16' }, sources, signal)
  const again = await resolveModel({ source, sha256: found.sha256 }, sources, signal)
  expect(again.sha256).toBe(found.sha256)
  expect(again.hash).not.toBe(found.hash) // other weights give other answers
  const other = resolveModel({ source, sha256: again.hash }, sources, signal)
  await expect(other).rejects.toThrow(`expected SHA-256 ${again.hash}, got ${found.sha256}`)
})
