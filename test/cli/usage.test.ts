import { describe, expect, test } from 'vitest'
import { parseRequest, USAGE, UsageError } from '../../src/cli/usage.ts'

test.each([
  [['doctor'], { command: 'doctor', json: false }],
  [['doctor', '--json'], { command: 'doctor', json: true }],
  [['serve'], { command: 'serve', port: 4173 }],
  [['serve', '--port', '0'], { command: 'serve', port: 0 }],
  [['serve', '--port=8080'], { command: 'serve', port: 8080 }],
  [['--help'], { command: 'help' }],
  [['--version'], { command: 'version' }],
] as const)('%j is understood', (args, request) => {
  expect(parseRequest(args)).toEqual(request)
})

describe('wrong usage', () => {
  test.each([
    [[], 'expected a command'],
    [['docter'], 'unknown command docter'],
    [['doctor', '--jsn'], '--jsn'],
    [['doctor', 'now'], 'now'],
    [['doctor', '--json=yes'], '--json'],
    [['serve', '--port'], '--port'],
    [['serve', '--port', '65536'], '--port: expected 0 to 65535, got 65536'],
    [['serve', '--port', '1e3'], 'got 1e3'],
  ])('%j', (args, message) => {
    expect(() => parseRequest(args)).toThrow(UsageError)
    expect(() => parseRequest(args)).toThrow(message)
  })
})

test('the usage names every command', () => {
  for (const command of ['doctor', 'serve', '--help', '--version']) expect(USAGE).toContain(command)
})
