import { expect, test } from 'vitest'
import { parseJson } from '../../src/data/json-file.ts'

test('what is wrong with JSON is said with its line and column, whatever the engine says', () => {
  expect(parseJson('{"a": 1}')).toEqual({ a: 1 })
  expect(() => parseJson('{\n  "a": 1,\n}')).toThrow(/line 3,? column 1/)
  expect(() => parseJson('{\n  "a": 1')).toThrow(/line 2,? column 9/)
  expect(() => parseJson('')).toThrow(/line 1,? column 1/)
})

test('no line is named where the engine does not tell the place', () => {
  expect(() => parseJson('{\n"a": b,\n"c": 1}')).toThrow(/^(?!line 3).*b/)
})
