import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Candidate } from '../../src/method/candidate.ts'
import type { PolicyClient } from '../../src/pipeline/client.ts'
import type { ModelSource } from '../../src/pipeline/models.ts'
import { type CaptionOutput, captionStage } from '../../src/pipeline/stages/caption.ts'
import {
  captionSettings,
  POLICY,
  saying,
  type TestRun,
  testModels,
  testPictures,
  testRun,
} from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

const CAPTIONERS = ['a', 'b'].map((hash): ModelSource => ({ ...POLICY, name: hash, hash }))
/** What each model says to a prompt, before the answer's number; two say the same. */
const WORDS: Readonly<Record<string, string>> = { policy: 'A dog', a: 'A cat', b: 'A dog' }
/** Three units of two pictures. */
const PICTURES = Array.from({ length: 6 }, () => ({}))

/** Models of which one at a time is loaded, the loads, and the jobs that each was given. @param fail is asked before each job. */
function swapped(fail: (name: string, job: number) => boolean = () => false) {
  const loads: string[] = []
  const jobs = new Map<string, number>()
  const load = async (name: string): Promise<PolicyClient> => {
    if (loads.at(-1) !== name) loads.push(name)
    return {
      async generate(job) {
        const number = (jobs.get(name) ?? 0) + 1
        jobs.set(name, number)
        if (fail(name, number)) throw new DOMException('stopped', 'AbortError')
        return await saying(({ candidate }) => ({ text: `${WORDS[name]} ${candidate}.` }))(job)
      },
    } as PolicyClient
  }
  const models = {
    ...testModels({}),
    policy: () => load('policy'),
    writer: ({ hash }: ModelSource) => load(hash),
  }
  return { models, loads, jobs }
}

async function caption({ models }: Pick<ReturnType<typeof swapped>, 'models'>): Promise<CaptionOutput> {
  const dataset = await testPictures(run, PICTURES)
  const inputs = { dataset, policy: POLICY, captioners: CAPTIONERS, seed: 7, round: 1 }
  return await captionStage(run.context, models, captionSettings({}), inputs)
}

async function written({ units }: CaptionOutput): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for await (const [, unit] of units.units()) candidates.push(...unit)
  return candidates
}

test('are each loaded once, however many pictures there are, and the policy last', async () => {
  const { models, loads, jobs } = swapped()
  const output = await caption({ models })
  expect(loads).toEqual(['a', 'b', 'policy'])
  expect(Object.fromEntries(jobs)).toEqual({ a: 3, b: 3, policy: 3 })
  const candidates = await written(output)
  // The policy's come first, and what another says as well is counted with them.
  const shown = candidates
    .slice(0, 8)
    .map(({ image, generator, text, count = 1 }) => `${image} ${generator}: ${text} x ${count}`)
  expect(shown).toEqual([
    '0.png policy: A dog 0. x 2',
    '0.png policy: A dog 1. x 2',
    '1.png policy: A dog 0. x 2',
    '1.png policy: A dog 1. x 2',
    '0.png captioner0: A cat 0. x 1',
    '0.png captioner0: A cat 1. x 1',
    '1.png captioner0: A cat 0. x 1',
    '1.png captioner0: A cat 1. x 1',
  ])
  expect(output.summary).toMatchObject({ candidates: 24, merged: 12 })
})

test('tell how far each is', async () => {
  await caption(swapped())
  const progress = run.events.flatMap((event) =>
    event.kind === 'progress' ? [`${event.part ?? ''} ${event.done}/${event.total}`] : [],
  )
  expect(progress).toEqual(
    ['captioner0', 'captioner1', ''].flatMap((part) => [`${part} 2/6`, `${part} 4/6`, `${part} 6/6`]),
  )
})

test('broken off go on after the last unit, and come to the same', async () => {
  const whole = await written(await caption(swapped()))
  await run.close()
  run = await testRun()
  await expect(caption(swapped((name, job) => name === 'b' && job === 2))).rejects.toThrow('stopped')
  const second = swapped((name, job) => name === 'policy' && job === 3)
  await expect(caption(second)).rejects.toThrow('stopped')
  expect(second.loads).toEqual(['b', 'policy'])
  expect(second.jobs.get('b')).toBe(2)
  const last = swapped()
  expect(await written(await caption(last))).toEqual(whole)
  expect(last.loads).toEqual(['policy'])
  expect(last.jobs.get('policy')).toBe(1)
})

test('one that is changed is asked again, and no other captioner', async () => {
  await caption(swapped())
  const { models, loads } = swapped()
  const dataset = await testPictures(run, PICTURES)
  const [first] = CAPTIONERS
  const captioners = [first as ModelSource, { ...POLICY, hash: 'c' }]
  await captionStage(run.context, models, captionSettings({}), {
    dataset,
    policy: POLICY,
    captioners,
    seed: 7,
    round: 1,
  })
  expect(loads).toEqual(['c', 'policy'])
})
