import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCsv } from '../../src/data/csv.ts'

test('quotes hold separators, line ends and quotes', () => {
  const text = '\ufefffile_name,caption\r\na.png,"red, ""round"" ball\non grass"\r\n\r\nb.png,\r\n'
  expect(readCsv(text, 'c.csv')).toEqual([
    { file_name: 'a.png', caption: 'red, "round" ball\non grass' },
    { file_name: 'b.png', caption: '' },
  ])
  expect(readCsv('', 'c.csv')).toEqual([])
  expect(readCsv('a\tb\n1,5\t2', 'c.tsv', '\t')).toEqual([{ a: '1,5', b: '2' }])
})

test('what is quoted comes back', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é') })
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field)), (rows) => {
      const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
      const text = ['x,y', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n')
      expect(readCsv(text, 'c.csv')).toEqual(rows.map(([x, y]) => ({ x, y })))
    }),
  )
})

test.each([
  ['a,b\n1', 'c.csv: record 1: expected 2 fields, got 1'],
  ['a,b\n1,2\n1,2,3', 'c.csv: record 2: expected 2 fields, got 3'],
  ['a\n"1', 'c.csv: record 1: expected a closing quote, found none'],
])('%j is refused', (text, message) => {
  expect(() => readCsv(text, 'c.csv')).toThrow(message)
})
