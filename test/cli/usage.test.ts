import { describe, expect, test } from 'vitest'
import { parseRequest, USAGE } from '../../src/cli/usage.ts'
import { UsageError } from '../../src/cli/usage-error.ts'

test.each([
  [['doctor'], { command: 'doctor', json: false }],
  [['doctor', '--json'], { command: 'doctor', json: true }],
  [['serve'], { command: 'serve', port: 4173 }],
  [['serve', '--port', '0'], { command: 'serve', port: 0 }],
  [['serve', '--port=8080'], { command: 'serve', port: 8080 }],
  [
    ['train', '--model', 'm', '--data', 'p.jsonl', '--config', 'c.json', '--out', 'o'],
    {
      command: 'train',
      model: 'm',
      data: 'p.jsonl',
      config: 'c.json',
      shuffle: true,
      recompute: false,
      out: 'o',
    },
  ],
  [
    ['train', '--model=m', '--data=p', '--config=c', '--adapter=a', '--no-shuffle', '--out=o'],
    {
      command: 'train',
      model: 'm',
      adapter: 'a',
      data: 'p',
      config: 'c',
      shuffle: false,
      recompute: false,
      out: 'o',
    },
  ],
  [
    ['generate', '--model', 'm', '--image', 'a.png', 'b.png', '--image', 'c.png', '--prompt', 'What?'],
    {
      command: 'generate',
      model: 'm',
      images: ['a.png', 'c.png', 'b.png'],
      prompt: 'What?',
      candidates: 1,
      seed: 0,
      temperature: 1,
      topP: 1,
      maxNewTokens: 256,
    },
  ],
  [
    [
      ...[
        'generate',
        '--model',
        'm',
        '--adapter',
        'a',
        '--image',
        'a.png',
        '--prompt',
        'p',
        '-n',
        '4',
        '--seed',
        '7',
      ],
      ...['--temperature', '0', '--top-p', '0.9', '--max-new-tokens', '20', '--out', 'o.jsonl'],
    ],
    {
      command: 'generate',
      model: 'm',
      adapter: 'a',
      images: ['a.png'],
      prompt: 'p',
      candidates: 4,
      seed: 7,
      temperature: 0,
      topP: 0.9,
      maxNewTokens: 20,
      out: 'o.jsonl',
    },
  ],
  [
    ['caption', '--model', 'm', '--images', 'i', '--limit', '8', '--out', 'o'],
    { command: 'caption', model: 'm', images: 'i', skip: 0, limit: 8, round: 1, out: 'o' },
  ],
  [
    ['caption', '--model', 'm', '--images', 'i', '--share', '0,0.8', '--out', 'o'],
    { command: 'caption', model: 'm', images: 'i', skip: 0, share: [0, 0.8], round: 1, out: 'o' },
  ],
  [
    ['score', '--clip', 'c', '--data', 'd', '--images', 'i', '--recipe', 'r', '--out', 'o'],
    { command: 'score', clip: 'c', data: 'd', images: 'i', recipe: 'r', out: 'o' },
  ],
  [['pair', '--data', 'd', '--out', 'o'], { command: 'pair', data: 'd', out: 'o', round: 1 }],
  [['pair', '--data', 'd', '--round', '2', '--out', 'o'], { command: 'pair', data: 'd', out: 'o', round: 2 }],
  [
    ['evaluate', '--model', 'm', '--data', 'd', '--zero-shot', 'z', '--clip', 'c', '--out', 'o'],
    {
      command: 'evaluate',
      model: 'm',
      skip: 0,
      data: 'd',
      zeroShot: { data: 'z', clip: 'c' },
      out: 'o',
    },
  ],
  [['logps', '--model', 'm', '--data', 'd'], { command: 'logps', model: 'm', data: 'd' }],
  [
    ['logps', '--model', 'm', '--data', 'd', '--weights', 'int8', '--memory', '512'],
    { command: 'logps', model: 'm', data: 'd', weights: 'int8', memory: 512 },
  ],
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
    [['train', '--data', 'p', '--config', 'c', '--out', 'o'], '--model: expected a value, got none'],
    [['train', '--model', 'm', '--data', 'p', '--config', 'c'], '--out: expected a value, got none'],
    [['train', '--model', 'm', 'pairs.jsonl'], 'pairs.jsonl'],
    [
      ['logps', '--model', 'm', '--data', 'd', '--weights', 'f8'],
      '--weights: expected one of f32, f16, int8, int4, got f8',
    ],
    [['logps', '--model', 'm', '--data', 'd', '--memory', '0'], '--memory: expected a number from 1'],
    [['caption', '--model', 'm', '--images', 'i'], '--out: expected a value, got none'],
    [
      ['caption', '--model', 'm', '--images', 'i', '--limit', '0', '--out', 'o'],
      '--limit: expected a whole number',
    ],
    [
      ['evaluate', '--model', 'm', '--data', 'd', '--share', '0.8,0.2', '--out', 'o'],
      '--share: expected two numbers from 0 to 1, the lower one first, such as 0.8,1, got 0.8,0.2',
    ],
    [
      ['evaluate', '--model', 'm', '--data', 'd', '--zero-shot', 'z', '--out', 'o'],
      '--clip: expected a value, got none',
    ],
    [['generate', '--model', 'm', '--prompt', 'p'], '--image: expected at least one file, got none'],
    [['generate', '--model', 'm', '--image', 'a'], '--prompt: expected a value, got none'],
    [
      ['generate', '--model', 'm', '--image', 'a', '--prompt', 'p', '-n', '0'],
      '--candidates: expected a whole number',
    ],
    [
      ['generate', '--model', 'm', '--image', 'a', '--prompt', 'p', '--top-p', '2'],
      'number from 0 to 1, got 2',
    ],
    [['logps', '--model', 'm', '--data', ''], '--data: expected a value, got none'],
  ])('%j', (args, message) => {
    expect(() => parseRequest(args)).toThrow(UsageError)
    expect(() => parseRequest(args)).toThrow(message)
  })
})

test('the usage names every command', () => {
  const commands = [
    'doctor',
    'serve',
    'run',
    'caption',
    'score',
    'pair',
    'evaluate',
    'train',
    'generate',
    'logps',
  ]
  for (const command of commands) expect(USAGE).toMatch(new RegExp(`^  ${command} `, 'm'))
})
