import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { QUESTION_PROMPT } from '../../src/method/written-questions.ts'
import { parseRecipe, recipeJson } from '../../src/pipeline/recipe.ts'

const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`recipes/${name}`, 'utf8')) as Record<string, unknown>

describe('the recipes that come with the package', () => {
  test.each(readdirSync('recipes'))('%s is one', (name) => {
    const recipe = parseRecipe(read(name), name)
    expect(`${recipe.name}.json`).toBe(name)
  })

  test.each(readdirSync('recipes'))('%s as it is kept is the same recipe', (name) => {
    const recipe = parseRecipe(read(name), name)
    expect(parseRecipe(JSON.parse(JSON.stringify(recipeJson(recipe))))).toEqual(recipe)
  })

  test('the paper’s settings are in paper.json, with a note on what it does not publish', () => {
    const { caption, pair, score, train, notes } = parseRecipe(read('paper.json'))
    expect(caption.prompts).toHaveLength(5)
    expect(score.scorer).toBe('clip')
    expect(pair).toMatchObject({ pairs: 'best-worst', minGap: 2, maxPairsPerImage: null, minScore: null })
    expect(train.config).toMatchObject({ loss_type: 'sigmoid' })
    expect([notes].flat().join(' ')).toMatch(/Not published/)
  })

  test('what the paper does not publish is written out in paper.json, not left to defaults', () => {
    const { caption, pair, train } = read('paper.json') as Record<string, Record<string, unknown>>
    const writtenOut = [
      [caption, ['prompts', 'samples', 'greedy', 'temperature', 'top_p', 'max_new_tokens', 'questions']],
      [pair, ['reach', 'minScore', 'minChosenScore', 'minQuestionScore', 'maxImageText']],
      [pair, ['minLengthRatio', 'minWords', 'maxPairsPerImage', 'keepUnfinished', 'keepGenericQuestions']],
      [train, ['beta', 'learning_rate', 'lr_scheduler_type', 'warmup_steps', 'per_device_train_batch_size']],
      [train, ['num_train_epochs', 'weight_decay', 'max_grad_norm', 'max_length', 'peft']],
    ] as const
    for (const [settings, names] of writtenOut)
      expect(Object.keys(settings ?? {})).toEqual(expect.arrayContaining([...names]))
  })
})

describe('a recipe with a mistake', () => {
  const tiny = read('tiny.json')
  const evaluate = tiny.evaluate as Record<string, unknown>

  test.each([
    ['an unknown key', { ...tiny, sed: 1 }, /sed: no such setting/],
    [
      'an unknown key below',
      { ...tiny, evaluate: { ...evaluate, promt: 'x' } },
      /evaluate.promt: no such setting/,
    ],
    ['no prompts', { ...tiny, caption: { prompts: [] } }, /caption.prompts/],
    ['a fraction of pictures', { ...tiny, dataset: { source: 'a', limit: 1.5 } }, /dataset.limit/],
    ['a wrong hash', { ...tiny, clip: { source: 'a', sha256: 'abc' } }, /clip.sha256.*64 hexadecimal digits/],
    [
      'an unknown scorer',
      { ...tiny, score: { scorer: 'blip' } },
      /score.scorer: expected .*clip.*got "blip"/,
    ],
    ['a negative gap', { ...tiny, pair: { minGap: -1 } }, /pair.minGap/],
    ['a wrong loss', { ...tiny, train: { loss_type: 'dpo' } }, /loss_type/],
    ['a wrong adapter', { ...tiny, train: { peft: { r: 0 } } }, /train.peft: r/],
    ['nothing', {}, /name: missing; dataset: missing/],
  ])('%s names path, expected and got', (_, recipe, message) => {
    expect(() => parseRecipe(recipe, 'my.json')).toThrow(message)
    expect(() => parseRecipe(recipe, 'my.json')).toThrow(/^my.json: /)
  })
})

describe('a recipe whose settings contradict each other', () => {
  const tiny = read('tiny.json')
  const caption = tiny.caption as Record<string, unknown>
  const evaluate = tiny.evaluate as Record<string, unknown>
  const alone = { ...caption, samples: 1, greedy: false }

  test.each([
    [
      'nothing is written',
      { caption: { ...caption, samples: 0, greedy: false } },
      /caption.samples: .*got 0/,
    ],
    [
      'one candidate a prompt',
      { caption: alone },
      /caption.samples: expected two candidates .*or set caption.greedy/,
    ],
    [
      'the greedy one alone',
      { caption: { ...caption, samples: 0 } },
      /caption.samples: .*got one; raise it;?/,
    ],
    [
      'calibrated by no other picture',
      { score: { calibrate: true }, dataset: { source: 'a', limit: 1 } },
      /score.calibrate: expected several pictures/,
    ],
    [
      'no length',
      { pair: { minWords: 9, maxWords: 8 } },
      /pair.maxWords: expected at least minWords \(9\), got 8/,
    ],
    [
      'an adapter of no round',
      { evaluate: { ...evaluate, adapter: { round: 2, step: 1 } } },
      /evaluate.adapter.round: expected at most 1, as many as rounds, got 2/,
    ],
  ])('%s says so at once', (_, change, message) => {
    expect(() => parseRecipe({ ...tiny, ...change })).toThrow(message)
  })

  test.each([
    ['another captioner', { caption: alone, captioners: [{ source: 'a' }] }],
    ['questions', { caption: { ...alone, questions: {} } }],
    ['sentences', { caption: { ...alone, unit: 'sentence' } }],
    ['several rounds', { rounds: 2, evaluate: { ...evaluate, adapter: { round: 2, step: 1 } } }],
  ])('is none with %s', (_, change) => {
    expect(parseRecipe({ ...tiny, ...change })).toMatchObject({ name: 'tiny' })
  })
})

test('a text model that writes questions has a prompt with a place for captions, and one by default', () => {
  const tiny = read('tiny.json')
  const writer = (given: object) =>
    parseRecipe({ ...tiny, caption: { ...(tiny.caption as object), questions: { writer: given } } }).caption
      .questions?.writer
  expect(writer({ source: 'a' })).toEqual({
    source: 'a',
    prompt: QUESTION_PROMPT,
    temperature: 0,
    max_new_tokens: 256,
  })
  expect(() => writer({ source: 'a', prompt: 'Ask something.' })).toThrow(
    /caption.questions.writer.prompt: expected {captions}/,
  )
  expect(() => writer({})).toThrow(/caption.questions.writer.source: missing/)
})

test('the run’s seed is the trainer’s unless that has its own', () => {
  const tiny = read('tiny.json')
  expect(parseRecipe({ ...tiny, seed: 7 }).train.config.seed).toBe(7)
  const train = { ...(tiny.train as object), seed: 3 }
  expect(parseRecipe({ ...tiny, seed: 7, train }).train.config.seed).toBe(3)
})

test('all faults of a recipe are told at once, each at its place, and what is missing is called so', () => {
  const { policy: _, ...rest } = read('demo.json') as Record<string, object>
  const faulty = {
    ...rest,
    pair: { minGapp: 4 },
    train: { ...rest.train, loss_type: ['sigmoid', 'sigmod'], beta: 'x' },
  }
  expect(() => parseRecipe(faulty)).toThrow(
    /policy: missing; pair\.minGapp: no such setting; .*beta: expected number, got "x"; loss_type\.1: expected .*got "sigmod"/,
  )
})
