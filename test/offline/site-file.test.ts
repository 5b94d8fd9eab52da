import { expect, test } from 'vitest'
import { siteAnswer } from '../../src/offline/site-file.ts'

const SCOPE = 'https://host/some/where/'
const NAMES = new Set(['./', 'assets/index-1.js', 'models/a b/config.json'])

test.each([
  ['the page', `${SCOPE}`, { kept: './' }],
  ['the page with a recipe and a query', `${SCOPE}index.html?from=mail#recipe=x`, { kept: './' }],
  ['a file', `${SCOPE}assets/index-1.js`, { kept: 'assets/index-1.js' }],
  ['a file whose name is encoded', `${SCOPE}models/a%20b/config.json`, { kept: 'models/a b/config.json' }],
  ['a model’s file that there is not', `${SCOPE}models/a/processor_config.json`, 'missing'],
  ['the command line’s page', `${SCOPE}headless.html`, undefined],
  ['a neighbour', 'https://host/some/index.html', undefined],
  ['another origin', 'https://other/some/where/', undefined],
] as const)('%s', (_, address, answer) => {
  expect(siteAnswer(address, SCOPE, NAMES)).toEqual(answer)
})
