import { expect, test } from 'vitest'
import { PageError } from '../../src/cli/headless.ts'
import { PageLostError } from '../../src/cli/page.ts'
import { endOf } from '../../src/cli/resumable.ts'

test('what goes on with the same command: what was stopped, found the disk full, or lost its device or its page', () => {
  const aborted = new PageError('AbortError', 'stopped')
  expect(endOf(aborted, true)).toBe('stopped')
  expect(endOf(aborted, false)).toBe('failed')
  for (const name of ['StorageFullError', 'DeviceLostError'])
    expect(endOf(new PageError(name, 'gone'), false)).toBe('interrupted')
  expect(endOf(new PageLostError('closed'), false)).toBe('interrupted')
  expect(endOf(new PageError('RecipeError', 'wrong'), true)).toBe('failed')
  expect(endOf(new Error('port in use'), true)).toBe('failed')
})
