import { expect, test } from 'vitest'
import { PageError } from '../../src/cli/headless.ts'
import { endOf } from '../../src/cli/resumable.ts'

test('what goes on with the same command: what was stopped, and what found the disk full', () => {
  const aborted = new PageError('AbortError', 'stopped')
  expect(endOf(aborted, true)).toBe('stopped')
  expect(endOf(aborted, false)).toBe('failed')
  expect(endOf(new PageError('StorageFullError', 'no room'), false)).toBe('full')
  expect(endOf(new PageError('RecipeError', 'wrong'), true)).toBe('failed')
  expect(endOf(new Error('the browser is gone'), true)).toBe('failed')
})
