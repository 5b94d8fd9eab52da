import { expect, test } from 'vitest'

test('nouns are found in a worker', async () => {
  const worker = new Worker(new URL('../support/nouns.worker.ts', import.meta.url), { type: 'module' })
  const nouns = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage('Two red cars and a snowman on a street.')
  })
  worker.terminate()
  expect(nouns).toEqual(['car', 'snowman', 'street'])
})
