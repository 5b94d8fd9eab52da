import { expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import { openRunner } from '../../src/pipeline/runner-client.ts'

test('of two runs asked for at once the second is refused, also where the first ends soon', async () => {
  const runner = openRunner()
  const sources = { site: location.href, models: {}, datasets: {} }
  const missing = (name: string) => ({ ...tiny, name, dataset: { source: 'no pictures' } })
  const start = (name: string) => runner.run(missing(name), sources, () => {})
  const [first, second] = await Promise.allSettled([start('first'), start('second')])
  expect(first).toMatchObject({ reason: { name: 'SourceMissingError' } })
  expect(second).toMatchObject({
    reason: { message: expect.stringMatching(/^run: expected no other run under way/) },
  })
  await expect(start('third')).rejects.toMatchObject({ name: 'SourceMissingError' })
  for (const { id, name } of await runner.list())
    if (['first', 'third'].includes(name)) await runner.delete(id)
  runner.close()
})
