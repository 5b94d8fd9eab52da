import { expect, test } from 'vitest'
import { InOrder } from '../../src/cli/in-order.ts'

test('results are handed on in their order, as soon as those before them are there', () => {
  const taken: string[] = []
  const answers = new InOrder<string>((answer) => taken.push(answer))
  answers.add(1, 'b')
  expect(taken).toEqual([])
  answers.add(0, 'a')
  expect(taken).toEqual(['a', 'b'])
  answers.add(3, 'd')
  answers.add(2, 'c')
  expect(taken).toEqual(['a', 'b', 'c', 'd'])
})
